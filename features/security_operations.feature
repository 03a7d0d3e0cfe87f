@P0
Feature: Security Incident Response
  Somebody is inside: a pod with the service's own label reads the data and sends it out, and passwords are tried.

  Background:
    Given the target is healthy
    And users are on it

  @quarterly
  Scenario: The logs tell of the passwords that were tried, and evidence is taken without harm
    Given the operator has looked at "Suspected Breach / # Review audit logs (RB-027)" while all is well
    When the fault "intruder" takes effect
    And the operator follows "Suspected Breach / # Capture forensic data of every pod, onto this machine (RB-016)"
    And the operator follows "Suspected Breach / # Review audit logs (RB-027)"
    Then "Suspected Breach / # Review audit logs (RB-027)" tells "login failed for .admin" anew under the fault
    And the procedure does no harm to users
    And no acknowledged write is lost

  @expect-fail @quarterly @RB-041
  Scenario: Evidence as first written is of a database that changes while it is read
    When the fault "intruder" takes effect
    And the operator follows "Suspected Breach / # Capture forensic data" as first written
    Then the procedure fails as defect "RB-041" says

  @expect-fail @quarterly
  Scenario: Isolation shuts out the users with the intruder
    When the fault "intruder" takes effect
    And the operator follows "Suspected Breach / # Immediate isolation, in both directions (RB-015)"
    Then the service stays out
