@P1
Feature: Communication Procedures
  What others are told while an incident lasts goes to a real page, which takes updates from who has its token.

  Background:
    Given the target is healthy
    And users are on it
    And the status page takes updates with the token "of-this-drill"

  @quarterly @RB-040
  Scenario: A status page that refuses the update looks updated as first written
    When nothing is broken
    And the operator follows "Status Page Updates" as first written with "{page_id}" as "novel-engine" and "{incident_id}" as "drilled" and "{token}" as "of-yesterday"
    Then the procedure fails as defect "RB-040" says

  @quarterly @RB-045
  Scenario: The status page as first written still says investigating when all is over
    When the fault "redis-locked-out" takes effect
    And the operator follows "High Error Rate / Database Connection Issues / # Restart Redis if needed"
    And the platform has had its time to heal
    And the operator follows "Status Page Updates" as first written with "{page_id}" as "novel-engine" and "{incident_id}" as "drilled" and "{token}" as "of-this-drill"
    Then the procedure fails as defect "RB-045" says
    And the service recovers within the response time of P1

  @quarterly
  Scenario: The status page is told of an incident in the order in which it goes
    When the fault "redis-locked-out" takes effect
    And the operator follows "Status Page Updates" with "{page_id}" as "novel-engine" and "{incident_id}" as "drilled" and "{token}" as "of-this-drill" and "{status}" as "investigating" and "{text}" as "Simulations+fail.+We+are+looking+into+it."
    And the operator follows "High Error Rate / Database Connection Issues / # Check database connectivity"
    And the operator follows "Status Page Updates" with "{page_id}" as "novel-engine" and "{incident_id}" as "drilled" and "{token}" as "of-this-drill" and "{status}" as "identified" and "{text}" as "A+store+refuses+its+clients.+It+is+started+anew."
    And the operator follows "High Error Rate / Database Connection Issues / # Restart Redis if needed"
    And the platform has had its time to heal
    And the operator follows "Status Page Updates" with "{page_id}" as "novel-engine" and "{incident_id}" as "drilled" and "{token}" as "of-this-drill" and "{status}" as "monitoring" and "{text}" as "Simulations+run+again.+We+are+watching."
    And the operator follows "Quick Diagnosis Script"
    And the operator follows "Status Page Updates" with "{page_id}" as "novel-engine" and "{incident_id}" as "drilled" and "{token}" as "of-this-drill" and "{status}" as "resolved" and "{text}" as "Simulations+run+as+before."
    Then the status page went through "investigating", "identified", "monitoring", "resolved", none before its time
    And the service recovers within the response time of P1
    And every command of the procedure succeeds
    And no acknowledged write is lost
