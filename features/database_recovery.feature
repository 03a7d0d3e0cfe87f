@P0
Feature: Database Recovery
  Pages of the live database are overwritten. The runbook stops the application, puts the last backup back and starts it again.

  Background:
    Given the target is healthy
    And users are on it
    And a backup was made, and users have written since

  @expect-fail @nightly @quarterly @RB-002 @RB-004 @RB-013
  Scenario: Database Recovery as first written never puts the backup back
    Given the operator holds the newest backup as "backup-novel-engine-latest.db"
    When the fault "database-corrupted" takes effect
    And the operator follows "Service Completely Down / Investigation Steps / # Check database connectivity" as first written
    And the operator follows "Database Recovery" as first written
    Then the procedure fails as defect "RB-002" says
    And the procedure fails as defect "RB-004" says
    And the procedure fails as defect "RB-013" says
    And the service stays out

  @expect-fail @quarterly @RB-003
  Scenario: Database Recovery as first written names a backup that nobody makes
    When the fault "database-corrupted" takes effect
    And the operator follows "Database Recovery" as first written
    Then the procedure fails as defect "RB-003" says
    And the service stays out

  @restores-backup @nightly @gate @quarterly
  Scenario: Database Recovery as corrected puts the last backup back
    When the fault "database-corrupted" takes effect
    And the operator follows "Database Recovery"
    Then the service recovers within the response time of P0
    And the procedure does not end before users are served
    And only writes newer than the backup are lost
    And the data is no older than the backup schedule allows
    And the performance baselines hold afterwards
    And every command of the procedure succeeds
    And nothing is left over, missing or changed

  @control @expect-fail @nightly @quarterly
  Scenario: Nobody acts on a corrupted database
    When the fault "database-corrupted" takes effect
    And nobody acts
    Then the service stays out
    And the credit in "Database Recovery as corrected puts the last backup back" is the runbook's

  @restores-backup @quarterly
  Scenario: A damaged backup is refused before it overwrites anything, and the one before it is put back
    When the fault "backup-damaged" takes effect
    And the fault "database-corrupted" takes effect
    And the operator follows "Database Recovery"
    Then the service recovers within the response time of P0
    And the procedure does not end before users are served
    And only writes newer than the backup are lost
    And the data is no older than the backup schedule allows
    And the performance baselines hold afterwards
    And every command of the procedure succeeds
    And "Database Recovery / # Stop application, and wait until nobody has the database open (RB-005)" prints "^pod/novel-engine-.* condition met$"
    And nothing is left over, missing or changed

  @expect-fail @quarterly
  Scenario: Where no backup is sound Database Recovery says so, and leaves the database as it is
    When the fault "backups-damaged" takes effect
    And the operator follows "Database Recovery"
    Then the service recovers within the response time of P0
    And "Database Recovery" prints "^No sound backup under /backups$"
    And no acknowledged write is lost
    And the performance baselines hold afterwards
    And nothing is left over, missing or changed

  @expect-fail @quarterly
  Scenario: Rows that somebody altered are lost, and the check of the file sees nothing
    When the fault "database-altered" takes effect
    And the operator follows "Service Completely Down / Investigation Steps / # Check database connectivity (RB-002: connecting alone reads nothing)"
    Then acknowledged writes are lost
