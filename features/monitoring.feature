@P0 @quarterly @monitoring
Feature: Monitoring and Alerting
  The operator is called by the runbook's own alert, from real monitoring, and begins only then: recovery time has all its parts.
  Needs `drill monitoring up`.

  Background:
    Given the target is healthy
    And users are on it

  Scenario: Whoever is on call hears that no request succeeds, and scales up
    When the fault "deployment-scaled-to-zero" takes effect
    And the alert "ServiceDown" has called the operator
    And the operator follows "Service Completely Down / Immediate Actions"
    Then the service recovers within the response time of P0
    And no acknowledged write is lost
