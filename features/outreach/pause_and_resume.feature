Feature: Pause and resume
  A pause stops what has not left yet, at once; resuming lets it go on at the campaign's pace, in the recipients' hours.

  Background:
    Given a campaign for Ada, Bob and Cleo in London, one text a minute
    And it is Monday 15 March 2027 at 10:00
    And the campaign starts
    And time passes until 30 seconds later

  Scenario: While it is paused nothing leaves
    When the campaign is paused
    And time passes until Tuesday 16 March 2027 at 12:00
    Then Ada got M1 and nothing else
    And Bob got nothing

  Scenario: It goes on where it was
    When the campaign is paused
    And time passes until Monday 15 March 2027 at 15:00
    And the campaign is resumed
    And time passes until Monday 15 March 2027 at 16:00
    Then the texts left at 10:00, 15:00 and 15:01

  Scenario: Resumed at night, the rest leaves from nine, one a minute
    When the campaign is paused
    And time passes until Monday 15 March 2027 at 22:00
    And the campaign is resumed
    And time passes until Tuesday 16 March 2027 at 08:59
    Then Bob got nothing
    When time passes until Tuesday 16 March 2027 at 12:00
    Then the texts left at 10:00, 09:00 and 09:01
    And "quiet_hours" has delayed 2 texts
