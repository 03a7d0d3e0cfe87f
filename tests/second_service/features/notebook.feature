Feature: Notebook
  The same sentences and the same faults as for any other service. Two of the faults hit what Notebook does not have.

  Background:
    Given the target is healthy
    And users are on it

  @P0
  Scenario: Bring It Back serves users of a notebook that was scaled away
    When the fault "deployment-scaled-to-zero" takes effect
    And the operator follows "Nobody Can Read Their Notes / Bring It Back"
    Then the service recovers within the response time of P0
    And the performance baselines hold afterwards
    And every command of the procedure succeeds
    And no acknowledged write is lost

  @P1
  Scenario: The platform brings back killed web pods
    When the fault "pods-killed" takes effect
    And nobody acts
    Then the service recovers within the response time of P1
    And the platform healed it before the operator acted
    And no acknowledged write is lost

  @P0
  Scenario: A corrupted database of a notebook
    When the fault "database-corrupted" takes effect
    And the operator follows "Nobody Can Read Their Notes / Bring It Back"
    Then the service recovers within the response time of P0

  @P1
  Scenario Outline: Redis of a notebook, <fault>
    When the fault "<fault>" takes effect
    And nobody acts
    Then the service recovers within the response time of P1

    Examples:
      | fault            |
      | redis-killed     |
      | redis-locked-out |

  @P1
  Scenario: A backup of a notebook
    Given a backup was made, and users have written since
    When the fault "pods-killed" takes effect
    And nobody acts
    Then no acknowledged write is lost
