@P0
Feature: Sham procedures never pass
  Each procedure pretends to repair its fault. Whatever the judge says of one of them, it is not "pass".

  Background:
    Given the target is healthy
    And users are on it

  @expect-fail @sham
  Scenario: Doing nothing
    When the fault "deployment-scaled-to-zero" takes effect
    And the operator follows "Do nothing"
    Then the service stays out

  @expect-fail @sham
  Scenario: Deleting the deployment
    When the fault "redis-locked-out" takes effect
    And the operator follows "Delete the deployment"
    Then the service stays out

  @expect-fail @sham
  Scenario: Scaling to zero
    When the fault "redis-locked-out" takes effect
    And the operator follows "Scale to zero"
    Then the service stays out

  @expect-fail @sham
  Scenario: Restarting everything
    When the fault "database-corrupted" takes effect
    And the operator follows "Restart everything"
    Then the service stays out

  @expect-fail @sham
  Scenario: An empty database in the place of a broken one
    When the fault "database-corrupted" takes effect
    And the operator follows "Put an empty database in place"
    Then acknowledged writes are lost

  @expect-fail @sham
  Scenario: Repaired, and broken again after 40 s
    When the fault "deployment-scaled-to-zero" takes effect
    And the operator follows "Repair, and break again after 40 s"
    Then the service does not stay up

  @expect-fail @sham
  Scenario: Loosened probes
    When the fault "database-corrupted" takes effect
    And the operator follows "Loosen the probes"
    Then the service stays out

  @expect-fail @sham
  Scenario: Answers with 200 and an empty body
    When the fault "deployment-scaled-to-zero" takes effect
    And the operator follows "Answer 200 with an empty body"
    Then the service stays out

  @expect-fail @sham
  Scenario: Slow but successful
    When the fault "deployment-scaled-to-zero" takes effect
    And the operator follows "Slow but successful"
    Then the service stays out

  @true-repair
  Scenario: A service that was scaled away is scaled up
    When the fault "deployment-scaled-to-zero" takes effect
    And the operator follows "Scale up"
    Then the service recovers within the response time of P0
    And no acknowledged write is lost

  @true-repair
  Scenario: A Redis that locks its clients out is restarted
    When the fault "redis-locked-out" takes effect
    And the operator follows "Restart Redis"
    Then the service recovers within the response time of P0
    And no acknowledged write is lost
