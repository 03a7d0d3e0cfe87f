@P1
Feature: Knowledge Base
  What the runbook knows of common issues: a sign to look for, and what to do about it.

  Background:
    Given the target is healthy
    And users are on it

  @quarterly
  Scenario: A pod that no node takes is told by its events
    Given the operator has looked at "Issue: Pod Stuck in Pending State" with "<pod-name>" as "--selector=app=novel-engine" while all is well
    When the fault "pods-pending" takes effect
    And the operator follows "Issue: Pod Stuck in Pending State" with "<pod-name>" as "--selector=app=novel-engine"
    Then "Issue: Pod Stuck in Pending State" tells "FailedScheduling.*Insufficient cpu" under the fault, and not before
    And the procedure does no harm to users
    And no acknowledged write is lost

  @expect-fail @quarterly @RB-019
  Scenario: The check of the lock as first written says nothing while the lock is held
    When the fault "database-locked" takes effect
    And the operator follows "Issue: Database Lock Timeout" as first written
    Then the procedure fails as defect "RB-019" says
    And the service stays out

  @quarterly
  Scenario: A lock that a stranger holds is seen, and freed by ending the stranger
    Given the operator has looked at "Issue: Database Lock Timeout / # Is a writer holding the lock?" while all is well
    And the operator has looked at "Issue: Database Lock Timeout / # Who else has the volume?" while all is well
    When the fault "database-locked" takes effect
    And the operator follows "Issue: Database Lock Timeout / # Is a writer holding the lock?"
    And the operator follows "Issue: Database Lock Timeout / # Who else has the volume?"
    And the operator follows "Issue: Database Lock Timeout / # End the stranger that holds it" with "<pod-name>" as "database-maintenance"
    Then "Issue: Database Lock Timeout / # Is a writer holding the lock?" tells "database is locked" under the fault, and not before
    And "Issue: Database Lock Timeout / # Who else has the volume?" tells "^database-maintenance .*novel-engine-data" under the fault, and not before
    And the service recovers within the response time of P1
    And the procedure does not end before users are served
    And the performance baselines hold afterwards
    And no acknowledged write is lost
    And nothing is left over, missing or changed

  @control @expect-fail @quarterly
  Scenario: Nobody acts on a lock that is held
    When the fault "database-locked" takes effect
    And nobody acts
    Then the service stays out
    And the credit in "A lock that a stranger holds is seen, and freed by ending the stranger" is the runbook's

  @quarterly
  Scenario: A pod whose volume nobody has is told by its events
    Given the operator has looked at "Issue: Pod Stuck in Pending State" with "<pod-name>" as "--selector=app=novel-engine" while all is well
    When the fault "claim-stuck" takes effect
    And the operator follows "Issue: Pod Stuck in Pending State" with "<pod-name>" as "--selector=app=novel-engine"
    Then "Issue: Pod Stuck in Pending State" tells "FailedScheduling.*persistentvolumeclaim .no-such-claim. not found" under the fault, and not before
    And the procedure does no harm to users
    And no acknowledged write is lost

  @quarterly
  Scenario: The restart against a memory leak disturbs nobody on a healthy target
    When nothing is broken
    And the operator follows "Issue: Memory Leak"
    Then the procedure does no harm to users
    And "Issue: Memory Leak" prints "^edge-.*Mi"
    And every command of the procedure succeeds
    And no acknowledged write is lost
    And nothing is left over, missing or changed

  @quarterly
  Scenario: A release that leaks memory is undone
    When the fault "autoscaler-missing" takes effect
    And the fault "memory-leak" takes effect
    And the operator follows "Service Completely Down / Recovery Actions / # If they fail since a release"
    Then the service recovers within the response time of P1
    And the procedure does no harm to users
    And the performance baselines hold afterwards
    And every command of the procedure succeeds
    And no acknowledged write is lost
    And nothing is left over, missing or changed but "spec.strategy", "HorizontalPodAutoscaler/novel-engine-hpa: is missing"
