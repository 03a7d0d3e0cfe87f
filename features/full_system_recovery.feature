@P0
Feature: Full System Recovery
  The whole namespace is gone. The runbook makes the infrastructure, the objects and the data anew.

  Background:
    Given the target is healthy
    And users are on it

  @expect-fail @quarterly @RB-014
  Scenario: Full System Recovery as first written goes on where it is not, and finds no backup
    When the fault "namespace-deleted" takes effect
    And the operator follows "Full System Recovery" as first written
    Then the procedure fails as defect "RB-014" says
    And the service stays out
