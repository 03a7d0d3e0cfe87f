@P2
Feature: Backup Verification
  Nobody notices a bad backup before it is needed. The runbook's check must: it refuses one that is missing, damaged or old, and no sound one.

  Background:
    Given the target is healthy
    And users are on it
    And a backup was made, and users have written since

  @quarterly @RB-042
  Scenario: The verification as first written misses a backup that was made a minute ago
    When nothing is broken
    And the operator follows "Backup Verification" as first written
    Then the procedure fails as defect "RB-042" says

  @nightly @quarterly
  Scenario: A sound backup is verified where it lies
    When nothing is broken
    And the operator follows "Backup Verification in the Cluster"
    Then the procedure does no harm to users
    And every command of the procedure succeeds
    And no acknowledged write is lost
    And nothing is left over, missing or changed

  @quarterly
  Scenario: A backup that is gone is missed
    Given the operator has looked at "Backup Verification in the Cluster" while all is well
    When the fault "backup-missing" takes effect
    And the operator follows "Backup Verification in the Cluster"
    Then "Backup Verification in the Cluster" tells "^refused: .*: missing: " under the fault, and not before
    And the procedure does no harm to users
    And every command of the procedure succeeds
    And no acknowledged write is lost

  @nightly @quarterly
  Scenario: A damaged backup is refused
    Given the operator has looked at "Backup Verification in the Cluster" while all is well
    When the fault "backup-damaged" takes effect
    And the operator follows "Backup Verification in the Cluster"
    Then "Backup Verification in the Cluster" tells "^refused: .*: damaged: " under the fault, and not before
    And the procedure does no harm to users
    And every command of the procedure succeeds
    And no acknowledged write is lost
    And nothing is left over, missing or changed

  @quarterly
  Scenario: A backup of two days ago is refused, whatever its name says
    Given the operator has looked at "Backup Verification in the Cluster" while all is well
    When the fault "backup-stale" takes effect
    And the operator follows "Backup Verification in the Cluster"
    Then "Backup Verification in the Cluster" tells "^refused: .*: stale: " under the fault, and not before
    And the procedure does no harm to users
    And every command of the procedure succeeds
    And no acknowledged write is lost
