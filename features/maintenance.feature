@P2
Feature: Maintenance Procedures
  What is looked at by the calendar, with the fault that it exists to notice.

  Background:
    Given the target is healthy
    And users are on it

  @quarterly
  Scenario: The weekly look finds a certificate that has expired
    Given the operator has looked at "Weekly Checklist" while all is well
    When the fault "certificate-expired" takes effect
    And the operator follows "Weekly Checklist"
    Then "Weekly Checklist" tells "^notAfter=.* 2024 GMT" under the fault, and not before
    And "Weekly Checklist" tells "^Certificate will expire" under the fault, and not before
    And the procedure does no harm to users
    And every command of the procedure succeeds
    And no acknowledged write is lost
