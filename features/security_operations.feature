@P0
Feature: Security Incident Response
  Somebody is inside: a pod with the service's own label reads the data and sends it out, and passwords are tried.

  Background:
    Given the target is healthy
    And users are on it

  @quarterly
  Scenario: What the monitoring lists is seen by a line of its own, and by none before the breach
    Given the operator has looked at "Security Monitoring" while all is well
    When the fault "intruder" takes effect
    And the fault "files-changed" takes effect
    And the operator follows "Security Monitoring"
    Then "Security Monitoring / # Logins that failed, and clients beyond their rate (RB-047)" tells "login failed for .admin" anew under the fault
    And "Security Monitoring / # Logins that failed, and clients beyond their rate (RB-047)" tells "rate limit: session .drill-in" anew under the fault
    And "Security Monitoring / # Connections outward of each pod, but to Redis: on a healthy target none (RB-047)" tells "^debug-shell talks to [0-9.]+:53$" under the fault, and not before
    And "Security Monitoring / # Files that changed within a day, but the database (RB-047)" tells "^[0-9T:.-]+ /app/data/\S+\.md$" anew under the fault
    And the procedure does no harm to users
    And no acknowledged write is lost

  @quarterly
  Scenario: The logs tell of the passwords that were tried, and evidence is taken without harm
    Given the operator has looked at "Suspected Breach / # Review audit logs (RB-027)" while all is well
    And the operator has looked at "Suspected Breach / # Is the evidence of every pod here, whole and unchanged? (RB-016)" while all is well
    When the fault "intruder" takes effect
    And the operator follows "Suspected Breach / # Capture forensic data of every pod, onto this machine (RB-016)"
    And the operator follows "Suspected Breach / # Review audit logs (RB-027)"
    And the operator follows "Suspected Breach / # End the pod of the intruder: a policy does not cut what was open before (RB-015)" with "{intruder_pod}" as "debug-shell"
    And the operator follows "Suspected Breach / # Is the evidence of every pod here, whole and unchanged? (RB-016)"
    Then "Suspected Breach / # Review audit logs (RB-027)" tells "login failed for .admin" anew under the fault
    And "Suspected Breach / # Is the evidence of every pod here, whole and unchanged? (RB-016)" tells "forensic-debug-shell-\S+\.tar\.gz: OK$" under the fault, and not before
    And the procedure does no harm to users
    And every command of the procedure succeeds
    And no acknowledged write is lost

  @expect-fail @quarterly @RB-041 @RB-047
  Scenario: Evidence as first written is of a database that changes while it is read
    When the fault "intruder" takes effect
    And the operator follows "Suspected Breach / # Capture forensic data" as first written
    And the operator follows "Suspected Breach / # Review audit logs" as first written
    Then the procedure fails as defect "RB-041" says
    And the procedure fails as defect "RB-047" says

  @expect-fail @quarterly @RB-015
  Scenario: Isolation as first written shuts out the users, and lets the intruder go on sending
    When the fault "intruder" takes effect
    And the operator follows "Suspected Breach / # Immediate isolation" as first written
    And the operator follows "Suspected Breach / # It holds once a pod is told no name any more; what was open goes on (RB-015)"
    And the operator follows "Service Completely Down / Immediate Actions / # Check application logs" as first written
    Then the procedure fails as defect "RB-015" says
    And the service stays out

  @expect-fail @quarterly
  Scenario: Isolation shuts out the users with the intruder
    Given the operator has looked at "Security Monitoring / # Connections outward of each pod, but to Redis: on a healthy target none (RB-047)" while all is well
    And the operator has looked at "Suspected Breach / # It holds once a pod is told no name any more; what was open goes on (RB-015)" while all is well
    When the fault "intruder" takes effect
    And the operator follows "Suspected Breach / # Immediate isolation, in both directions (RB-015)"
    And the operator follows "Suspected Breach / # It holds once a pod is told no name any more; what was open goes on (RB-015)"
    And the operator follows "Security Monitoring / # Connections outward of each pod, but to Redis: on a healthy target none (RB-047)"
    And the operator follows "Suspected Breach / # Capture forensic data of every pod, onto this machine (RB-016)"
    And the operator follows "Suspected Breach / # End the pod of the intruder: a policy does not cut what was open before (RB-015)" with "{intruder_pod}" as "debug-shell"
    Then "Suspected Breach / # It holds once a pod is told no name any more; what was open goes on (RB-015)" tells "^isolated" under the fault, and not before
    And "Security Monitoring / # Connections outward of each pod, but to Redis: on a healthy target none (RB-047)" tells "^debug-shell tries to reach [0-9.]+:53$" under the fault, and not before
    And "Suspected Breach / # Capture forensic data of every pod, onto this machine (RB-016)" prints "forensic-novel-engine-\S+\.tar\.gz$"
    And every command of the procedure succeeds
    And the service stays out
    And nothing is left over, missing or changed but "NetworkPolicy/.*egress is absent", "NetworkPolicy/.*ingress is absent"

  @quarterly @RB-043
  Scenario: The forced update as first written leaves the vulnerable image running
    When the fault "image-vulnerable" takes effect
    And the operator follows "Vulnerability Response / # Force update if critical vulnerabilities found" as first written
    And the operator follows "Service Completely Down / Immediate Actions / # Check cluster status" as first written
    And the operator follows "Vulnerability Response / # Check running containers" as first written
    Then the procedure fails as defect "RB-043" says
    And the procedure does no harm to users
    And no acknowledged write is lost

  @quarterly
  Scenario: A vulnerable image is seen among those that run, and replaced without an outage
    Given the operator has looked at "Vulnerability Response / # Check running containers" while all is well
    When the fault "image-vulnerable" takes effect
    And the operator follows "Vulnerability Response / # Check running containers"
    And the operator follows "Vulnerability Response / # Force update if critical vulnerabilities found" with "{patched_image}" as "novel-engine:drill"
    Then "Vulnerability Response / # Check running containers" tells "novel-engine:drill-vulnerable" under the fault, and not before
    And "Vulnerability Response / # Force update if critical vulnerabilities found" prints "^novel-engine .* novel-engine:drill "
    And the procedure does no harm to users
    And the performance baselines hold afterwards
    And every command of the procedure succeeds
    And no acknowledged write is lost

  @quarterly
  Scenario: An image that nobody has is taken back, and nobody notices
    Given the operator has looked at "Vulnerability Response / # Force update if critical vulnerabilities found" with "{patched_image}" as "novel-engine:drill" while all is well
    When the fault "image-vulnerable" takes effect
    And the operator follows "Vulnerability Response / # Force update if critical vulnerabilities found" with "{patched_image}" as "novel-engine:no-such-tag"
    Then "Vulnerability Response / # Force update if critical vulnerabilities found" tells "rolled back" under the fault, and not before
    And "Vulnerability Response / # Force update if critical vulnerabilities found" prints "^deployment .novel-engine. successfully rolled out"
    And the procedure does no harm to users
    And every command of the procedure succeeds
    And no acknowledged write is lost
    And nothing is left over, missing or changed but "spec.strategy", "image is 'novel-engine:drill-vulnerable'"

  @quarterly
  Scenario: The scan of the image that runs names the package with the advisory
    Given the operator has looked at "Vulnerability Response / # Scan the image that runs for vulnerabilities (RB-038)" while all is well
    When the fault "image-vulnerable" takes effect
    And the operator follows "Vulnerability Response / # Scan the image that runs for vulnerabilities (RB-038)"
    Then "Vulnerability Response / # Scan the image that runs for vulnerabilities (RB-038)" tells "h11.*0\.14\.0" under the fault, and not before, where "trivy" is at hand
    And the procedure does no harm to users
    And no acknowledged write is lost
