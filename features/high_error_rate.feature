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
    And "High Error Rate / Investigation / # Check error patterns in logs" prints "AuthenticationError"
    And "High Error Rate / Investigation / # Check metrics (RB-008)" prints "^http_requests_total"
    And "High Error Rate / Investigation / # Check resource usage" prints "^edge-.*Mi"
    And the performance baselines hold afterwards
    And no acknowledged write is lost
    And nothing is left over, missing or changed

  @expect-fail @quarterly @RB-006 @RB-008 @RB-048
  Scenario: Redis that refuses its clients passes the check as first written
    When the fault "redis-locked-out" takes effect
    And the operator follows "High Error Rate / Investigation" as first written
    And the operator follows "High Error Rate / Database Connection Issues" as first written
    Then the procedure fails as defect "RB-006" says
    And the procedure fails as defect "RB-008" says
    And the procedure fails as defect "RB-048" says
    And the service recovers within the response time of P1
    And the procedure does no harm to users
    And the performance baselines hold afterwards
    And every command of the procedure succeeds
    And no acknowledged write is lost

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

  @quarterly @RB-007 @RB-027
  Scenario: The log search and the log analysis as first written miss the errors of a minute ago
    When the fault "redis-locked-out" takes effect
    And the operator follows "High Error Rate / Database Connection Issues / # Restart Redis if needed"
    And the platform has had its time to heal
    And the operator follows "High Error Rate / Investigation / # Check error patterns in logs" as first written
    And the operator follows "Log Analysis Script" as first written
    Then the procedure fails as defect "RB-007" says
    And the procedure fails as defect "RB-027" says
    And the service recovers within the response time of P1

  @quarterly
  Scenario: The log search and the log analysis find the errors of a minute ago
    Given the operator has looked at "High Error Rate / Investigation / # Check error patterns in logs" while all is well
    And the operator has looked at "Log Analysis Script" while all is well
    When the fault "redis-locked-out" takes effect
    And the operator follows "High Error Rate / Investigation / # Check error patterns in logs"
    And the operator follows "Log Analysis Script"
    And the operator follows "High Error Rate / Database Connection Issues / # Restart Redis if needed"
    Then "High Error Rate / Investigation / # Check error patterns in logs" tells "error in redis: .*AuthenticationError" anew under the fault
    And "Log Analysis Script" tells "^ *\d+ RedisOutError$" anew under the fault
    And "Log Analysis Script" prints "^ *\d+ AuthenticationError$"
    And "Log Analysis Script" prints "^Average: [0-9.]+ms$"
    And the service recovers within the response time of P1
    And the procedure does not end before users are served
    And every command of the procedure succeeds
    And nothing is left over, missing or changed

  @quarterly @RB-025
  Scenario: Redis that nobody can reach passes the check as first written
    When the fault "redis-unreachable" takes effect
    And the operator follows "High Error Rate / Database Connection Issues" as first written
    Then the procedure fails as defect "RB-025" says
    And the service recovers within the response time of P1

  @quarterly
  Scenario: The connectivity check tells of a Redis that nobody can reach
    Given the operator has looked at "High Error Rate / Database Connection Issues / # Check database connectivity" while all is well
    When the fault "redis-unreachable" takes effect
    And the operator follows "High Error Rate / Database Connection Issues"
    Then "High Error Rate / Database Connection Issues / # Check database connectivity" tells "^.redis.:.(?!ok)" under the fault, and not before
    And the service recovers within the response time of P1
    And the procedure does not end before users are served
    And the performance baselines hold afterwards
    And every command of the procedure succeeds
    And no acknowledged write is lost

  @control @expect-fail @quarterly
  Scenario: Nobody acts on a Redis that nobody can reach
    When the fault "redis-unreachable" takes effect
    And nobody acts
    Then the service stays out
    And the credit in "The connectivity check tells of a Redis that nobody can reach" is the runbook's

  @quarterly
  Scenario: A Redis that locks its clients out is killed, and comes back with its own password
    When the fault "redis-locked-out" takes effect
    And the fault "redis-killed" takes effect
    And nobody acts
    Then the service recovers within the response time of P1
    And the platform healed it before the operator acted
    And the performance baselines hold afterwards
    And no acknowledged write is lost

  @expect-fail @quarterly @RB-044
  Scenario: Restarting Redis as first written does not let in who has the old password
    When the fault "secret-rotated" takes effect
    And the operator follows "High Error Rate / Database Connection Issues" as first written
    And the platform has had its time to heal
    And the operator follows "High Error Rate / Database Connection Issues / # Check database connectivity" as first written
    Then the procedure fails as defect "RB-044" says
    And the service stays out

  @quarterly
  Scenario: A changed password is told by the secret's time, and ends with a restart of who uses it
    Given the operator has looked at "High Error Rate / A Changed Password / # Is the application let in?" while all is well
    And the operator has looked at "Monthly Checklist" while all is well
    When the fault "secret-rotated" takes effect
    And the operator follows "Monthly Checklist"
    And the operator follows "High Error Rate / A Changed Password"
    Then "High Error Rate / A Changed Password / # Is the application let in?" tells "AuthenticationError" under the fault, and not before
    And "Monthly Checklist" tells "^redis " anew under the fault
    And the service recovers within the response time of P1
    And the procedure does not end before users are served
    And the performance baselines hold afterwards
    And every command of the procedure succeeds
    And no acknowledged write is lost
    And nothing is left over, missing or changed but "Secret/redis: data.password"

  @control @expect-fail @quarterly
  Scenario: Nobody acts on a changed password
    When the fault "secret-rotated" takes effect
    And nobody acts
    Then the service stays out
    And the credit in "A changed password is told by the secret's time, and ends with a restart of who uses it" is the runbook's

  @quarterly
  Scenario: A Redis that may take no more is seen by its limit and by the log, and ended by its restart
    Given the operator has looked at "Cache Optimization / # Check Redis memory usage" while all is well
    And the operator has looked at "High Error Rate / Investigation / # Check error patterns in logs" while all is well
    When the fault "redis-full" takes effect
    And the operator follows "High Error Rate / Investigation / # Check error patterns in logs"
    And the operator follows "Cache Optimization / # Check Redis memory usage"
    And the operator follows "High Error Rate / Database Connection Issues / # Restart Redis if needed"
    Then "High Error Rate / Investigation / # Check error patterns in logs" tells "error in redis: .*(OutOfMemory|maxmemory)" anew under the fault
    And "Cache Optimization / # Check Redis memory usage" tells "^maxmemory:1$" under the fault, and not before
    And the service recovers within the response time of P1
    And the procedure does not end before users are served
    And the performance baselines hold afterwards
    And every command of the procedure succeeds
    And no acknowledged write is lost
    And nothing is left over, missing or changed

  @control @expect-fail @quarterly
  Scenario: Nobody acts on a Redis that may take no more
    When the fault "redis-full" takes effect
    And nobody acts
    Then the service stays out
    And the credit in "A Redis that may take no more is seen by its limit and by the log, and ended by its restart" is the runbook's

  @expect-fail @quarterly
  Scenario: A database that cannot be written is told by the log
    Given the operator has looked at "High Error Rate / Investigation / # Check error patterns in logs" while all is well
    When the fault "database-read-only" takes effect
    And the operator follows "High Error Rate / Investigation / # Check error patterns in logs"
    Then "High Error Rate / Investigation / # Check error patterns in logs" tells "readonly database" anew under the fault
    And the service stays out

  @quarterly
  Scenario: Containers that are killed for want of memory are given more
    When the fault "autoscaler-missing" takes effect
    And the fault "memory-limit-low" takes effect
    And the operator follows "High Error Rate / Memory Issues / # Update resource limits if consistently hitting limits, and in the manifests, or the next apply takes it back (RB-029)"
    Then the service recovers within the response time of P1
    And the procedure does not end before users are served
    And every command of the procedure succeeds
    And no acknowledged write is lost
    And nothing is left over, missing or changed but "limits.memory is '1Gi'", "strategy|requests.memory|terminationGracePeriod", "HorizontalPodAutoscaler/novel-engine-hpa: is missing"

  @quarterly
  Scenario: More pods and more memory for each disturb nobody on a healthy target
    When nothing is broken
    And the operator follows "High Error Rate / Memory Issues"
    Then the procedure does no harm to users
    And "High Error Rate / Memory Issues / # Check memory usage" prints "^edge-.*Mi"
    And every command of the procedure succeeds
    And no acknowledged write is lost
    And nothing is left over, missing or changed but "minReplicas is 5", "limits.memory is '1Gi'"
