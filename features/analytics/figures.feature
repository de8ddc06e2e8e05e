Feature: How it goes
  Whoever leads sees at a glance what came of a list, and how sure that is; whoever works sees their own people.

  Background:
    Given a campaign has texted Ada, Bob, Cleo and Dan, and Ada is Rita's lead

  Scenario: What came of a list
    When Ada and Bob answer, a call with Ada is booked, and Cleo opts out
    Then the overview says that of 4 people 50 % answered, 25 % booked a call and 25 % opted out
    And today's trend shows 2 replies

  Scenario: How sure that is
    When Ada and Bob answer, a call with Ada is booked, and Cleo opts out
    Then the campaign's figures say that between 15 and 85 % would answer
    And no wording is said to be the better one

  Scenario: A rep's own people
    When Ada and Bob answer, a call with Ada is booked, and Cleo opts out
    Then Rita's overview counts 1 lead and 1 booked call

  Scenario: The list as a file
    When Rita exports her leads to a spreadsheet
    Then a link without a sign-in gives a file with the leads that she sees
