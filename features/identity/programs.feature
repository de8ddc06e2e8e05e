Feature: Programs and providers
  A website, a till or a spreadsheet works with Rapport by a key. A key can do what somebody decided that it may, never
  what only people do, and ends when somebody ends it. What a provider is told stays between us and the provider.

  Background:
    Given Olga owns Bright Windows

  Scenario: The website enters an enquiry
    Given Olga makes a key for the website that may enter leads
    When the website enters Jane Smith's enquiry
    Then Olga finds Jane Smith among the leads
    And the enquiry says that the website entered it

  Scenario: A key does no more than it may
    Given Olga makes a key for the website that may enter leads
    When the website asks who works here
    Then it is told that it may not
    When the website makes another key
    Then it is told that it may not

  Scenario: A key that leaked is ended
    Given Olga makes a key for the website that may enter leads
    When Olga revokes the website's key
    And the website enters Jane Smith's enquiry
    Then it is told that its key is no good

  Scenario: A provider's secret is shown to nobody again
    When Olga sets Twilio up with the token "a-token-of-the-account"
    Then the settings say that Twilio is configured
    And nobody is shown "a-token-of-the-account"

  Scenario: A phone in our own network is not called
    When Olga gives herself a gateway at "http://169.254.169.254"
    And Olga tries the gateway
    Then she is told that it is not on the public internet
