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
    And "Performance Tuning / Database Optimization / # Analyze query performance" prints "campaigns_by_created_at"
    And "Performance Tuning / Database Optimization / # Rebuild database statistics" prints "^campaigns.campaigns_by_created_at."
    And "Performance Tuning / Database Optimization / # Vacuum database: writers wait meanwhile" prints "^0$"
    And the performance baselines hold afterwards
    And every command of the procedure succeeds
    And no acknowledged write is lost
    And nothing is left over, missing or changed

  @quarterly
  Scenario: The cache's policy is changed and nobody notices
    When nothing is broken
    And the operator follows "Performance Tuning / Cache Optimization"
    Then the procedure does no harm to users
    And "Performance Tuning / Cache Optimization / # Check Redis memory usage" prints "^used_memory_human:"
    And "Performance Tuning / Cache Optimization / # Monitor cache hit rate" prints "^keyspace_hits:"
    And "Performance Tuning / Cache Optimization / # Monitor cache hit rate" prints "^keyspace_misses:"
    And "Performance Tuning / Cache Optimization / # Adjust cache policies if needed (RB-010: only what has an expiry may go, as in the ConfigMap redis)" prints "^OK$"
    And the performance baselines hold afterwards
    And every command of the procedure succeeds
    And no acknowledged write is lost

  @quarterly
  Scenario: The application is profiled and nobody notices
    When nothing is broken
    And the operator follows "Performance Tuning / Application Performance"
    Then the procedure does no harm to users
    And "Performance Tuning / Application Performance / # Profile application performance (RB-013)" prints "^process_"
    And "Performance Tuning / Application Performance / # Profile application performance (RB-013)" prints "^python_gc"
    And "Performance Tuning / Application Performance / # Monitor memory usage of the container (RB-017), of every pod (RB-039)" prints "^Memory of novel-engine-.* MiB"
    And the performance baselines hold afterwards
    And every command of the procedure succeeds
    And no acknowledged write is lost
    And nothing is left over, missing or changed

  @quarterly
  Scenario: The costs of the last month are told, and nobody notices
    When nothing is broken
    And the operator follows "Cost Optimization / Infrastructure Optimization"
    Then the procedure does no harm to users
    And "Cost Optimization / Infrastructure Optimization / # Review AWS costs of the last whole month (RB-018: the end day does not count)" prints "Elastic Compute Cloud"
    And "Cost Optimization / Infrastructure Optimization / # Optimize EBS volumes" prints " storage: "
    And the performance baselines hold afterwards
    And every command of the procedure succeeds
    And no acknowledged write is lost

  @quarterly
  Scenario: Requests are changed by a rollout without an outage
    When nothing is broken
    And the operator follows "Cost Optimization / Resource Right-Sizing"
    Then the procedure does no harm to users
    And "Cost Optimization / Resource Right-Sizing / # Analyze resource usage over time" prints "^edge-.*Mi"
    And "Cost Optimization / Resource Right-Sizing / # Check HPA recommendations" prints "^Name: +novel-engine-hpa"
    And the performance baselines hold afterwards
    And every command of the procedure succeeds
    And no acknowledged write is lost
    And nothing is left over, missing or changed but "requests.cpu is '400m'", "requests.memory is '400Mi'"

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
