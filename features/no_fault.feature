@P0
Feature: Nothing is broken
  The control of all controls: no fault, nobody acts. Whatever is said to be lost, broken or repaired here is drill's own doing.

  @gate @quarterly
  Scenario: Nothing is broken and nobody acts
    Given the target is healthy
    And users are on it
    When nothing is broken
    And nobody acts
    Then the performance baselines hold afterwards
    And no acknowledged write is lost

  @quarterly
  Scenario: Nothing is broken, and nobody is called
    Given the target is healthy
    And users are on it
    When nothing is broken
    And nobody acts
    Then no alert fires
