@P2
Feature: Performance Tuning and Cost Optimization
  What is tuned on a day without trouble must not make any: each block is carried out while users are served.

  Background:
    Given the target is healthy
    And users are on it

  @quarterly
  Scenario: Statistics and VACUUM of the database disturb nobody
    When nothing is broken
    And the operator follows "Performance Tuning / Database Optimization"
    Then the procedure does no harm to users
    And the performance baselines hold afterwards
    And every command of the procedure succeeds
    And no acknowledged write is lost

  @quarterly
  Scenario: The cache's policy is changed and nobody notices
    When nothing is broken
    And the operator follows "Performance Tuning / Cache Optimization"
    Then the procedure does no harm to users
    And the performance baselines hold afterwards
    And every command of the procedure succeeds
    And no acknowledged write is lost

  @quarterly
  Scenario: The application is profiled and nobody notices
    When nothing is broken
    And the operator follows "Performance Tuning / Application Performance"
    Then the procedure does no harm to users
    And the performance baselines hold afterwards
    And every command of the procedure succeeds
    And no acknowledged write is lost

  @quarterly
  Scenario: The costs of the last month are told, and nobody notices
    When nothing is broken
    And the operator follows "Cost Optimization / Infrastructure Optimization"
    Then the procedure does no harm to users
    And the performance baselines hold afterwards
    And every command of the procedure succeeds
    And no acknowledged write is lost

  @quarterly
  Scenario: Requests are changed by a rollout without an outage
    When nothing is broken
    And the operator follows "Cost Optimization / Resource Right-Sizing"
    Then the procedure does no harm to users
    And the performance baselines hold afterwards
    And every command of the procedure succeeds
    And no acknowledged write is lost

  @quarterly
  Scenario: What is only looked at as first written, and its scale-up, disturb nobody on a healthy target
    When nothing is broken
    And the operator follows "Performance Tuning / Database Optimization / # Analyze query performance" as first written
    And the operator follows "Performance Tuning / Cache Optimization / # Check Redis memory usage" as first written
    And the operator follows "Performance Tuning / Cache Optimization / # Monitor cache hit rate" as first written
    And the operator follows "High Error Rate / Memory Issues / # Scale up if needed" as first written
    Then the procedure does no harm to users
    And the performance baselines hold afterwards
    And every command of the procedure succeeds
    And no acknowledged write is lost
