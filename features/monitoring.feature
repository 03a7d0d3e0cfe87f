@quarterly @monitoring
Feature: Monitoring and Alerting
  The operator is called by the runbook's own alert, from real monitoring, and begins only then: recovery time has all its parts.
  Needs `drill monitoring up`.

  Background:
    Given the target is healthy
    And users are on it

  @P0
  Scenario: Whoever is on call hears that no request succeeds, and scales up
    When the fault "deployment-scaled-to-zero" takes effect
    And the alert "ServiceDown" has called the operator
    And the operator follows "Service Completely Down / Immediate Actions"
    Then the service recovers within the response time of P0
    And no acknowledged write is lost

  @P1
  Scenario: Whoever is on call hears that part of the requests fail, and restarts Redis
    When the fault "redis-locked-out" takes effect
    And the alert "HighErrorRate" has called the operator
    And the operator follows "High Error Rate / Database Connection Issues"
    Then the service recovers within the response time of P1
    And no acknowledged write is lost

  @P0
  Scenario: Whoever is on call hears of a release that is killed again and again, and undoes it
    When the fault "liveness-too-strict" takes effect
    And the alert "PodCrashLooping" has called the operator
    And the operator follows "Service Completely Down / Recovery Actions / # If they fail since a release"
    Then the service recovers within the response time of P0
    And no acknowledged write is lost

  @P2 @expect-fail
  Scenario: Whoever is on call hears that users wait, and a restart of Redis does not shorten the way to it
    When the fault "network-slow" takes effect
    And the alert "HighResponseTime" has called the operator
    And the operator follows "Performance Degradation / Investigation / # Check how long Redis takes to answer"
    And the operator follows "High Error Rate / Database Connection Issues / # Restart Redis if needed"
    Then the service stays out
