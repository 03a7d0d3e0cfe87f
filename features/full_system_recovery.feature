@P0
Feature: Full System Recovery
  The whole namespace is gone. The runbook makes the infrastructure, the objects and the data anew.

  Background:
    Given the target is healthy
    And users are on it

  @expect-fail @quarterly @RB-014
  Scenario: Full System Recovery as first written goes on where it is not, and finds no backup
    Given the operator holds "features/held/another-service.tf" as "main.tf"
    When the fault "namespace-deleted" takes effect
    And the operator follows "Full System Recovery" as first written
    Then the procedure fails as defect "RB-014" says
    And the service stays out

  @restores-backup @quarterly
  Scenario: A namespace that is gone is made anew from what the operator holds
    Given a backup was made, and users have written since
    And the operator holds a fresh backup of "configuration" as "backup-k8s-held.yaml"
    And the operator holds a fresh backup of "files" as "backup-data-held.tar.gz"
    And the operator holds "novel_engine/terraform" as "terraform"
    And the operator holds "features/held/last-applied.tfstate" as "terraform/terraform.tfstate"
    And the operator has looked at "Full System Recovery / Infrastructure" while all is well
    When the fault "namespace-deleted" takes effect
    And the operator follows "Full System Recovery / Infrastructure"
    And the operator follows "Full System Recovery / The Service"
    Then "Full System Recovery / Infrastructure" tells "namespace/novel-engine-production created" under the fault, and not before
    And the service recovers within the response time of P0
    And the procedure does not end before users are served
    And only writes newer than the backup are lost
    And the data is no older than the backup schedule allows
    And every command of the procedure succeeds
    And nothing is left over, missing or changed but "PersistentVolumeClaim/.*: applied from"

  @control @expect-fail @quarterly
  Scenario: Nobody acts on a namespace that is gone
    When the fault "namespace-deleted" takes effect
    And nobody acts
    Then the service stays out
    And the credit in "A namespace that is gone is made anew from what the operator holds" is the runbook's
