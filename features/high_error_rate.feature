@P1
Feature: High Error Rate (P1)
  Part of the service fails. The runbook investigates, asks Redis whether it answers, and restarts it.

  Background:
    Given the target is healthy
    And users are on it

  @smoke @nightly @gate @quarterly
  Scenario: Restarting Redis lets locked-out clients back in
    When the fault "redis-locked-out" takes effect
    And the operator follows "High Error Rate / Investigation"
    And the operator follows "High Error Rate / Database Connection Issues"
    Then the service recovers within the response time of P1
    And the performance baselines hold afterwards
    And no acknowledged write is lost

  @quarterly @RB-006 @RB-008
  Scenario: Redis that refuses its clients passes the check as first written
    When the fault "redis-locked-out" takes effect
    And the operator follows "High Error Rate / Investigation" as first written
    And the operator follows "High Error Rate / Database Connection Issues" as first written
    Then the procedure fails as defect "RB-006" says
    And the procedure fails as defect "RB-008" says
    And the service recovers within the response time of P1

  @control @expect-fail @nightly @quarterly
  Scenario: Nobody acts on a Redis that locks its clients out
    When the fault "redis-locked-out" takes effect
    And nobody acts
    Then the service stays out
    And the credit in "Restarting Redis lets locked-out clients back in" is the runbook's

  @nightly @quarterly
  Scenario: The platform brings back a killed Redis
    When the fault "redis-killed" takes effect
    And nobody acts
    Then the service recovers within the response time of P1
    And the platform healed it before the operator acted
    And the performance baselines hold afterwards
    And no acknowledged write is lost
