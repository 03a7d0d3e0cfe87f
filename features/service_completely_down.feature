@P0
Feature: Service Completely Down (P0)
  Every request fails. The runbook looks around, scales up in an emergency, and restarts what is failing.

  Background:
    Given the target is healthy
    And users are on it

  @smoke @nightly @gate @quarterly
  Scenario: The emergency scale-up brings back a service that was scaled away
    When the fault "deployment-scaled-to-zero" takes effect
    And the operator follows "Service Completely Down / Immediate Actions"
    Then the service recovers within the response time of P0
    And "Service Completely Down / Immediate Actions / # Check cluster status" prints " Ready "
    And "Service Completely Down / Immediate Actions / # Check cluster status" prints "^redis-.* Running"
    And "Service Completely Down / Immediate Actions / # Check recent events" prints "Scaled down replica set"
    And the performance baselines hold afterwards
    And every command of the procedure succeeds
    And no acknowledged write is lost
    And nothing is left over, missing or changed

  @quarterly
  Scenario: A service that was scaled away calls somebody, and leads to its section
    When the fault "deployment-scaled-to-zero" takes effect
    And the operator follows "Service Completely Down / Immediate Actions"
    Then the service recovers within the response time of P0
    And the alert "ServiceDown" fires within 3 minutes
    And the alert "ServiceDown" fires after 1.5 minutes at the earliest
    And the alert "ServiceDown" leads to "Service Completely Down (P0)"
    And only the alerts "ServiceDown" fire

  @quarterly @RB-001
  Scenario: The scale-up as first written waits until someone presses Ctrl-C
    When the fault "deployment-scaled-to-zero" takes effect
    And the operator follows "Service Completely Down / Immediate Actions" as first written
    Then the procedure fails as defect "RB-001" says
    And the service recovers within the response time of P0

  @control @expect-fail @nightly @quarterly
  Scenario: Nobody acts on a service that was scaled away
    When the fault "deployment-scaled-to-zero" takes effect
    And nobody acts
    Then the service stays out
    And the credit in "The emergency scale-up brings back a service that was scaled away" is the runbook's

  @nightly @quarterly
  Scenario: The platform brings back killed pods, and a rolling restart on top does no harm
    When the fault "pods-killed" takes effect
    And the platform has had its time to heal
    And the operator follows "Service Completely Down / Recovery Actions / # If application pods are failing"
    Then the service recovers within the response time of P0
    And the platform healed it before the operator acted
    And the procedure does no harm to users
    And the performance baselines hold afterwards
    And every command of the procedure succeeds
    And no acknowledged write is lost
    And nothing is left over, missing or changed

  @quarterly
  Scenario: A restart of the application lets it in again where Redis' password was changed
    When the fault "secret-rotated" takes effect
    And the operator follows "Service Completely Down / Recovery Actions / # If application pods are failing"
    Then the service recovers within the response time of P0
    And the procedure does not end before users are served
    And the performance baselines hold afterwards
    And every command of the procedure succeeds
    And no acknowledged write is lost
    And nothing is left over, missing or changed but "Secret/redis: data.password"

  @expect-fail @quarterly @RB-020 @RB-021
  Scenario: A restart as first written starts the release without an image once more
    When the fault "image-missing" takes effect
    And the operator follows "Service Completely Down / Recovery Actions" as first written
    Then the procedure fails as defect "RB-020" says
    And the procedure fails as defect "RB-021" says
    And the service stays out

  @quarterly
  Scenario: A release whose image nobody has is seen among the pods, and undone
    Given the operator has looked at "Service Completely Down / Immediate Actions / # Check cluster status" while all is well
    When the fault "image-missing" takes effect
    And the operator follows "Service Completely Down / Immediate Actions / # Check cluster status"
    And the operator follows "Service Completely Down / Recovery Actions / # If they fail since a release"
    Then "Service Completely Down / Immediate Actions / # Check cluster status" tells "^novel-engine-\S+ .*(ErrImagePull|ImagePullBackOff)" under the fault, and not before
    And the service recovers within the response time of P0
    And the procedure does not end before users are served
    And the performance baselines hold afterwards
    And every command of the procedure succeeds
    And no acknowledged write is lost
    And nothing is left over, missing or changed but "spec.strategy"

  @control @expect-fail @quarterly
  Scenario: Nobody acts on a release whose image nobody has
    When the fault "image-missing" takes effect
    And nobody acts
    Then the service stays out
    And the credit in "A release whose image nobody has is seen among the pods, and undone" is the runbook's

  @quarterly
  Scenario: A release that is never ready is seen among the pods, and undone
    Given the operator has looked at "Service Completely Down / Immediate Actions / # Check cluster status" while all is well
    When the fault "readiness-broken" takes effect
    And the operator follows "Service Completely Down / Immediate Actions / # Check cluster status"
    And the operator follows "Service Completely Down / Recovery Actions / # If they fail since a release"
    Then "Service Completely Down / Immediate Actions / # Check cluster status" tells "^novel-engine-\S+ +0/1 +Running" under the fault, and not before
    And the service recovers within the response time of P0
    And the procedure does not end before users are served
    And the performance baselines hold afterwards
    And every command of the procedure succeeds
    And no acknowledged write is lost
    And nothing is left over, missing or changed but "spec.strategy"

  @control @expect-fail @quarterly
  Scenario: Nobody acts on a release that is never ready
    When the fault "readiness-broken" takes effect
    And nobody acts
    Then the service stays out
    And the credit in "A release that is never ready is seen among the pods, and undone" is the runbook's

  @expect-fail @quarterly @RB-022
  Scenario: Nothing in the recovery as first written repairs a Service that selects no pod
    Given the operator has looked at "Service Completely Down / Investigation Steps / # Check load balancer" as first written while all is well
    When the fault "selector-wrong" takes effect
    And the operator follows "Service Completely Down / Investigation Steps / # Check load balancer" as first written
    And the operator follows "Service Completely Down / Recovery Actions / # If application pods are failing" as first written
    And the operator follows "Service Completely Down / Recovery Actions / # If DNS issues, check ingress" as first written
    Then "Service Completely Down / Investigation Steps / # Check load balancer" as first written tells "novel-engine:8000 \((<none>)?\)" under the fault, and not before
    And the procedure fails as defect "RB-022" says
    And the service stays out

  @quarterly
  Scenario: A Service that selects no pod is seen at the load balancer, and given its selector back
    Given the operator has looked at "Service Completely Down / Investigation Steps / # Check load balancer" while all is well
    When the fault "selector-wrong" takes effect
    And the operator follows "Service Completely Down / Investigation Steps / # Check load balancer"
    And the operator follows "Service Completely Down / Recovery Actions / # If pods are ready and the Service has none of them"
    Then "Service Completely Down / Investigation Steps / # Check load balancer" tells "novel-engine:8000 \((<none>)?\)" under the fault, and not before
    And the service recovers within the response time of P0
    And the procedure does not end before users are served
    And the performance baselines hold afterwards
    And no acknowledged write is lost
    And nothing is left over, missing or changed

  @control @expect-fail @quarterly
  Scenario: Nobody acts on a Service that selects no pod
    When the fault "selector-wrong" takes effect
    And nobody acts
    Then the service stays out
    And the credit in "A Service that selects no pod is seen at the load balancer, and given its selector back" is the runbook's

  @expect-fail @quarterly
  Scenario: A restart does not heal killed pods while no pod can be made
    Given the operator has looked at "Service Completely Down / Immediate Actions / # Check recent events" while all is well
    When the fault "pods-killed" takes effect
    And the fault "admission-blocked" takes effect
    And the operator follows "Service Completely Down / Immediate Actions / # Check recent events"
    And the operator follows "Service Completely Down / Recovery Actions / # If application pods are failing"
    Then "Service Completely Down / Immediate Actions / # Check recent events" tells "failed calling webhook" anew under the fault
    And the service stays out

  @quarterly
  Scenario: Killed containers come back although a quota keeps a lost pod away
    Given the operator has looked at "Service Completely Down / Immediate Actions / # Check recent events" while all is well
    When the fault "quota-exceeded" takes effect
    And the fault "pods-killed" takes effect
    And the platform has had its time to heal
    And the operator follows "Service Completely Down / Immediate Actions / # Check recent events"
    Then "Service Completely Down / Immediate Actions / # Check recent events" tells "exceeded quota" anew under the fault
    And the service recovers within the response time of P0
    And the platform healed it before the operator acted
    And no acknowledged write is lost

  @expect-fail @quarterly
  Scenario: A pending pod is seen at once, the lost node behind it is not
    Given the operator has looked at "Service Completely Down / Immediate Actions / # Check cluster status" while all is well
    When the fault "pods-pending" takes effect
    And the fault "node-lost" takes effect
    And the operator follows "Service Completely Down / Immediate Actions / # Check cluster status"
    Then "Service Completely Down / Immediate Actions / # Check cluster status" tells "^novel-engine-\S+ +0/1 +Pending" under the fault, and not before
    And the service stays out

  @quarterly
  Scenario: A release whose configuration nobody has made is seen among the pods, and undone
    Given the operator has looked at "Service Completely Down / Immediate Actions / # Check cluster status" while all is well
    When the fault "configuration-broken" takes effect
    And the operator follows "Service Completely Down / Immediate Actions / # Check cluster status"
    And the operator follows "Service Completely Down / Recovery Actions / # If they fail since a release"
    Then "Service Completely Down / Immediate Actions / # Check cluster status" tells "^novel-engine-\S+ +0/1 +CreateContainerConfigError" under the fault, and not before
    And the service recovers within the response time of P0
    And the procedure does not end before users are served
    And the performance baselines hold afterwards
    And every command of the procedure succeeds
    And no acknowledged write is lost
    And nothing is left over, missing or changed but "spec.strategy"

  @control @expect-fail @quarterly
  Scenario: Nobody acts on a release whose configuration nobody has made
    When the fault "configuration-broken" takes effect
    And nobody acts
    Then the service stays out
    And the credit in "A release whose configuration nobody has made is seen among the pods, and undone" is the runbook's

  @quarterly
  Scenario: A release that waits for something before it starts is seen among the pods, and undone
    Given the operator has looked at "Service Completely Down / Immediate Actions / # Check cluster status" while all is well
    When the fault "rollout-stuck" takes effect
    And the operator follows "Service Completely Down / Immediate Actions / # Check cluster status"
    And the operator follows "Service Completely Down / Recovery Actions / # If they fail since a release"
    Then "Service Completely Down / Immediate Actions / # Check cluster status" tells "^novel-engine-\S+ +0/1 +Init:0/1" under the fault, and not before
    And the service recovers within the response time of P0
    And the procedure does not end before users are served
    And the performance baselines hold afterwards
    And every command of the procedure succeeds
    And no acknowledged write is lost
    And nothing is left over, missing or changed but "spec.strategy"

  @control @expect-fail @quarterly
  Scenario: Nobody acts on a release that waits for something before it starts
    When the fault "rollout-stuck" takes effect
    And nobody acts
    Then the service stays out
    And the credit in "A release that waits for something before it starts is seen among the pods, and undone" is the runbook's

  @expect-fail @quarterly
  Scenario: A Service that leads to a port at which nobody listens is seen, and its selector does not help
    Given the operator has looked at "Service Completely Down / Investigation Steps / # Check load balancer" while all is well
    And the operator has looked at "Quick Diagnosis Script" while all is well
    When the fault "target-port-wrong" takes effect
    And the operator follows "Service Completely Down / Investigation Steps / # Check load balancer"
    And the operator follows "Quick Diagnosis Script"
    And the operator follows "Service Completely Down / Recovery Actions / # If pods are ready and the Service has none of them"
    Then "Service Completely Down / Investigation Steps / # Check load balancer" tells "novel-engine:8000 \(\S+:9[,)]" under the fault, and not before
    And "Quick Diagnosis Script" tells "^❌ Application not responding" under the fault, and not before
    And the service stays out

  @expect-fail @quarterly
  Scenario: A name that is not known any more is told by the health check, and a restart does not bring it back
    Given the operator has looked at "High Error Rate / Database Connection Issues / # Check database connectivity" while all is well
    When the fault "name-resolution-broken" takes effect
    And the operator follows "High Error Rate / Database Connection Issues / # Check database connectivity"
    And the operator follows "Service Completely Down / Recovery Actions / # If application pods are failing"
    Then "High Error Rate / Database Connection Issues / # Check database connectivity" tells "^.redis.:.ConnectionError: .*([Nn]ame|resol)" under the fault, and not before
    And the service stays out

  @quarterly
  Scenario: A release that is killed as soon as it is asked for life is seen by its restarts, and undone
    Given the operator has looked at "Service Completely Down / Immediate Actions / # Check cluster status" while all is well
    When the fault "liveness-too-strict" takes effect
    And the operator follows "Service Completely Down / Immediate Actions / # Check cluster status"
    And the operator follows "Service Completely Down / Recovery Actions / # If they fail since a release"
    Then "Service Completely Down / Immediate Actions / # Check cluster status" tells "^novel-engine-\S+ +\S+ +\S+ +[1-9]\d* \(\d+s ago\)" anew under the fault
    And the service recovers within the response time of P0
    And the procedure does not end before users are served
    And the performance baselines hold afterwards
    And every command of the procedure succeeds
    And no acknowledged write is lost
    And nothing is left over, missing or changed but "spec.strategy"

  @quarterly
  Scenario: On a day without trouble every question of the investigation is answered
    When nothing is broken
    And the operator follows "Service Completely Down / Immediate Actions / # Check application logs"
    And the operator follows "Service Completely Down / Investigation Steps"
    And the operator follows "Service Completely Down / Recovery Actions / # If DNS issues, check ingress"
    Then the procedure does no harm to users
    And "Service Completely Down / Immediate Actions / # Check application logs" prints " request method=GET "
    And "Service Completely Down / Investigation Steps / # Check infrastructure health" prints "ACTIVE"
    And "Service Completely Down / Investigation Steps / # Check load balancer" prints "^novel-engine .*novel-engine.com"
    And "Service Completely Down / Investigation Steps / # Check load balancer" prints "^Name: +novel-engine$"
    And "Service Completely Down / Investigation Steps / # Check database connectivity (RB-002: connecting alone reads nothing)" prints "^DB ok$"
    And "Service Completely Down / Recovery Actions / # If DNS issues, check ingress" prints "host: novel-engine.com"
    And the performance baselines hold afterwards
    And every command of the procedure succeeds
    And no acknowledged write is lost
    And nothing is left over, missing or changed
