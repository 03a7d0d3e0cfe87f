@P0
Feature: Tools and Scripts
  The quick diagnosis asks nodes, pods, endpoints and the service itself, and must tell what is wrong, and nothing when nothing is.

  Background:
    Given the target is healthy
    And users are on it

  @expect-fail @quarterly @RB-023
  Scenario: The quick diagnosis as first written counts pods that cannot start
    When the fault "image-missing" takes effect
    And the operator follows "Quick Diagnosis Script" as first written
    Then the procedure fails as defect "RB-023" says
    And the service stays out

  @expect-fail @quarterly @RB-024
  Scenario: The quick diagnosis as first written takes a refusal for an answer
    When the fault "database-corrupted" takes effect
    And the operator follows "Quick Diagnosis Script" as first written
    Then the procedure fails as defect "RB-024" says
    And the service stays out

  @expect-fail @quarterly
  Scenario: The quick diagnosis tells of a service that was scaled away
    Given the operator has looked at "Quick Diagnosis Script" while all is well
    When the fault "deployment-scaled-to-zero" takes effect
    And the operator follows "Quick Diagnosis Script"
    Then "Quick Diagnosis Script" tells "^0 ready$" under the fault, and not before
    And "Quick Diagnosis Script" tells "^0 endpoints$" under the fault, and not before
    And "Quick Diagnosis Script" tells "^❌ Application not responding" under the fault, and not before
    And the service stays out

  @expect-fail @quarterly
  Scenario: The quick diagnosis tells of a release whose image nobody has
    Given the operator has looked at "Quick Diagnosis Script" while all is well
    When the fault "image-missing" takes effect
    And the operator follows "Quick Diagnosis Script"
    Then "Quick Diagnosis Script" tells "^novel-engine-\S+ .*(ErrImagePull|ImagePullBackOff)" under the fault, and not before
    And "Quick Diagnosis Script" tells "^❌ Application not responding" under the fault, and not before
    And the service stays out

  @expect-fail @quarterly
  Scenario: The quick diagnosis tells of a Service that selects no pod
    Given the operator has looked at "Quick Diagnosis Script" while all is well
    When the fault "selector-wrong" takes effect
    And the operator follows "Quick Diagnosis Script"
    Then "Quick Diagnosis Script" tells "^0 endpoints$" under the fault, and not before
    And "Quick Diagnosis Script" tells "^❌ Application not responding" under the fault, and not before
    And the service stays out

  @expect-fail @quarterly
  Scenario: The quick diagnosis tells of a corrupted database
    Given the operator has looked at "Quick Diagnosis Script" while all is well
    When the fault "database-corrupted" takes effect
    And the operator follows "Quick Diagnosis Script"
    Then "Quick Diagnosis Script" tells "^❌ Application not" under the fault, and not before
    And the service stays out

  @expect-fail @quarterly
  Scenario: The quick diagnosis tells of a Redis that locks its clients out
    Given the operator has looked at "Quick Diagnosis Script" while all is well
    When the fault "redis-locked-out" takes effect
    And the operator follows "Quick Diagnosis Script"
    Then "Quick Diagnosis Script" tells "^❌ Application not well: .*Authentication" under the fault, and not before
    And the service stays out

  @quarterly
  Scenario: The quick diagnosis tells of a certificate that has expired
    Given the operator has looked at "Quick Diagnosis Script" while all is well
    When the fault "certificate-expired" takes effect
    And the operator follows "Quick Diagnosis Script"
    Then "Quick Diagnosis Script" tells "^curl: \(60\) SSL certificate problem" under the fault, and not before
    And "Quick Diagnosis Script" tells "^❌ Application not responding" under the fault, and not before
    And the procedure does no harm to users
    And no acknowledged write is lost

  @quarterly
  Scenario: The quick diagnosis finds nothing where nothing is wrong
    When nothing is broken
    And the operator follows "Quick Diagnosis Script"
    Then every command of the procedure succeeds
    And "Quick Diagnosis Script" prints "^✅ Application responding"
    And the procedure does no harm to users
    And no acknowledged write is lost
