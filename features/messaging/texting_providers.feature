Feature: Two texting providers
  Texts leave through the provider that an organisation prefers. A second one takes over while the first is down, and
  never texts what the first may have taken.

  Background:
    Given texts leave through Twilio, and through Olga's phone while Twilio is down

  Scenario: While the first provider serves, the second texts nobody
    When a campaign texts 10 people
    Then Twilio has texted each of them once
    And Olga's phone has texted nobody

  Scenario: The second provider texts while the first is down
    Given Twilio cannot be reached
    When a campaign texts 10 people
    Then Olga's phone has texted each of them once
    And Twilio has texted nobody

  Scenario: The first provider texts again once it is back
    Given Twilio cannot be reached
    And a campaign texts 10 people
    When Twilio is back
    And a campaign texts 10 more people
    Then Twilio has texted the new ones once

  Scenario: What the first provider may have taken is texted by nobody else
    Given Twilio takes texts and the line breaks before it has said so
    When a campaign texts 3 people
    Then Twilio has texted each of them once
    And Olga's phone has texted nobody

  Scenario: A token that is wrong is told, and the second provider texts meanwhile
    Given Twilio does not take the token
    When a campaign texts 10 people
    Then Olga's phone has texted each of them once
    And Olga reads at the integration that the token is not right
