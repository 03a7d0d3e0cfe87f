@P2
Feature: Performance Degradation (P2)
  The service is slow. The runbook looks at the autoscaler, at resources and at the database, and optimizes.

  Background:
    Given the target is healthy
    And users are on it

  @expect-fail @quarterly @RB-026
  Scenario: The investigation as first written does not look at a slow Redis
    When the fault "redis-slow" takes effect
    And the operator follows "Performance Degradation / Investigation" as first written
    Then the procedure fails as defect "RB-026" says
    And the service stays out

  @nightly @quarterly
  Scenario: A slow Redis is seen by its answer's time, and ended by its restart
    Given the operator has looked at "Performance Degradation / Investigation" while all is well
    When the fault "redis-slow" takes effect
    And the operator follows "Performance Degradation / Investigation"
    And the operator follows "High Error Rate / Database Connection Issues / # Restart Redis if needed"
    Then "Performance Degradation / Investigation / # Check how long Redis takes to answer" tells "^\d+ ([5-9]\d\d|\d{4,}) " under the fault, and not before
    And "Performance Degradation / Investigation / # Check HPA status" prints "^novel-engine-hpa "
    And "Performance Degradation / Investigation / # Check HPA status" prints "^Name: +novel-engine-hpa"
    And "Performance Degradation / Investigation / # Check resource utilization" prints "^edge-.*Mi"
    And "Performance Degradation / Investigation / # Check resource utilization" prints "^drill-worker .*%"
    And "Performance Degradation / Investigation / # Check database performance" prints "SCAN campaigns"
    And the service recovers within the response time of P2
    And the procedure does not end before users are served
    And the performance baselines hold afterwards
    And every command of the procedure succeeds
    And no acknowledged write is lost
    And nothing is left over, missing or changed

  @control @expect-fail @quarterly
  Scenario: Nobody acts on a slow Redis
    When the fault "redis-slow" takes effect
    And nobody acts
    Then the service stays out
    And the credit in "A slow Redis is seen by its answer's time, and ended by its restart" is the runbook's

  @quarterly @RB-009
  Scenario: The optimization as first written makes a second autoscaler
    When nothing is broken
    And the operator follows "Performance Degradation / Optimization Actions / # Enable HPA if not already" as first written
    And the operator follows "Performance Degradation / Investigation / # Check HPA status" as first written
    Then the procedure fails as defect "RB-009" says

  @quarterly
  Scenario: The optimization as corrected disturbs nobody on a healthy target
    When nothing is broken
    And the operator follows "Performance Degradation / Optimization Actions"
    Then the procedure does no harm to users
    And "Performance Degradation / Optimization Actions / # Enable HPA if not already" prints "^novel-engine-hpa "
    And "Performance Degradation / Optimization Actions / # Clear Redis cache (RB-010: sessions and pending narratives live in the same Redis)" prints "^[1-9]"
    And the performance baselines hold afterwards
    And every command of the procedure succeeds
    And no acknowledged write is lost
    And nothing is left over, missing or changed

  @quarterly
  Scenario: An autoscaler that is gone is missed, and made again
    Given the operator has looked at "Performance Degradation / Investigation / # Check HPA status" while all is well
    When the fault "autoscaler-missing" takes effect
    And the operator follows "Performance Degradation / Investigation / # Check HPA status"
    And the operator follows "Performance Degradation / Optimization Actions / # Enable HPA if not already"
    Then "Performance Degradation / Investigation / # Check HPA status" tells "novel-engine-hpa. not found" under the fault, and not before
    And the procedure does no harm to users
    And every command of the procedure succeeds
    And no acknowledged write is lost
    And nothing is left over, missing or changed

  @quarterly
  Scenario: A second autoscaler is seen to stop both, and deleted
    Given the operator has looked at "Performance Degradation / Investigation / # Check HPA status" while all is well
    And the operator has looked at "Performance Degradation / Optimization Actions / # Keep one autoscaler" while all is well
    When the fault "two-autoscalers" takes effect
    And the operator follows "Performance Degradation / Investigation / # Check HPA status"
    And the operator follows "Performance Degradation / Optimization Actions / # Keep one autoscaler"
    Then "Performance Degradation / Investigation / # Check HPA status" tells "AmbiguousSelector" under the fault, and not before
    And "Performance Degradation / Optimization Actions / # Keep one autoscaler" tells ".novel-engine. deleted" under the fault, and not before
    And the procedure does no harm to users
    And every command of the procedure succeeds
    And no acknowledged write is lost
    And nothing is left over, missing or changed

  @expect-fail @quarterly
  Scenario: A long way to Redis is not shortened by a restart of Redis
    When the fault "network-slow" takes effect
    And the operator follows "Performance Degradation / Investigation / # Check how long Redis takes to answer"
    And the operator follows "High Error Rate / Database Connection Issues / # Restart Redis if needed"
    Then the service stays out
    And the alert "HighResponseTime" fires within 7 minutes
    And the alert "HighResponseTime" leads to "Performance Degradation (P2)"

  @quarterly
  Scenario: Nobody notices that Redis was emptied
    When the fault "redis-emptied" takes effect
    And the operator follows "Cache Optimization / # Monitor cache hit rate"
    Then the procedure does no harm to users
    And the performance baselines hold afterwards
    And every command of the procedure succeeds
    And no acknowledged write is lost

  @expect-fail @quarterly
  Scenario: A hog beside the pods outlasts every look at resources
    When the fault "cpu-hog" takes effect
    And the platform has had its time to heal
    And the operator follows "Performance Degradation / Investigation / # Check resource utilization"
    Then the service stays out

  @quarterly @RB-046
  Scenario: The query plan as first written is the same without the index
    When the fault "index-missing" takes effect
    And the operator follows "Performance Degradation / Investigation / # Check database performance" as first written
    Then the procedure fails as defect "RB-046" says

  @quarterly
  Scenario: A lost index is told by the query plan, and made again
    Given the operator has looked at "Performance Degradation / Investigation / # Check database performance" while all is well
    When the fault "index-missing" takes effect
    And the operator follows "Performance Degradation / Investigation / # Check database performance"
    And the operator follows "Performance Degradation / Optimization Actions / # Make a lost index again"
    Then "Performance Degradation / Investigation / # Check database performance" tells "USE TEMP B-TREE" under the fault, and not before
    And the procedure does no harm to users
    And the performance baselines hold afterwards
    And every command of the procedure succeeds
    And no acknowledged write is lost

  @quarterly
  Scenario: A release that may use too little of a processor is undone
    When the fault "cpu-throttled" takes effect
    And the operator follows "Service Completely Down / Recovery Actions / # If they fail since a release"
    Then the service recovers within the response time of P2
    And the procedure does not end before users are served
    And every command of the procedure succeeds
    And no acknowledged write is lost
    And nothing is left over, missing or changed but "spec.strategy"
