@P0
Feature: Service Completely Down (P0)
  Every request fails. The runbook looks around, scales up in an emergency, and restarts what is failing.

  Background:
    Given the target is healthy
    And users are on it

  @smoke @nightly @gate @quarterly
  Scenario: The emergency scale-up brings back a service that was scaled away
    When the fault "deployment-scaled-to-zero" takes effect
    And the operator follows "Service Completely Down / Immediate Actions"
    Then the service recovers within the response time of P0
    And the performance baselines hold afterwards
    And every command of the procedure succeeds
    And no acknowledged write is lost

  @quarterly @RB-001
  Scenario: The scale-up as first written waits until someone presses Ctrl-C
    When the fault "deployment-scaled-to-zero" takes effect
    And the operator follows "Service Completely Down / Immediate Actions" as first written
    Then the procedure fails as defect "RB-001" says
    And the service recovers within the response time of P0

  @control @expect-fail @nightly @quarterly
  Scenario: Nobody acts on a service that was scaled away
    When the fault "deployment-scaled-to-zero" takes effect
    And nobody acts
    Then the service stays out
    And the credit in "The emergency scale-up brings back a service that was scaled away" is the runbook's

  @nightly @quarterly
  Scenario: The platform brings back killed pods, and a rolling restart on top does no harm
    When the fault "pods-killed" takes effect
    And the platform has had its time to heal
    And the operator follows "Service Completely Down / Recovery Actions / # If application pods are failing"
    Then the service recovers within the response time of P0
    And the platform healed it before the operator acted
    And the procedure does no harm to users
    And the performance baselines hold afterwards
    And every command of the procedure succeeds
    And no acknowledged write is lost
