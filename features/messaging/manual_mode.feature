Feature: A person takes over
  While a person works with somebody, the campaign's touches to them wait; handed back, they go on.

  Background:
    Given a campaign for Ada and Bob in London, one text a minute
    And it is Monday 15 March 2027 at 10:00
    And the campaign starts
    And time passes until Monday 15 March 2027 at 11:00

  Scenario: Manual mode holds the touches
    When a person takes Ada over
    And time passes until Friday 19 March 2027 at 12:00
    Then Ada got M1 and nothing else
    And Bob got M1 and M2

  Scenario: Handed back, the touch that waited leaves
    When a person takes Ada over
    And time passes until Friday 19 March 2027 at 12:00
    And a person hands Ada back
    And time passes until Friday 19 March 2027 at 13:00
    Then Ada got M2 on Friday 19 March 2027 at 12:00

  Scenario: Handed back at night, the touch waits for the morning
    When a person takes Ada over
    And time passes until Friday 19 March 2027 at 22:00
    And a person hands Ada back
    And time passes until Saturday 20 March 2027 at 12:00
    Then Ada got M2 on Saturday 20 March 2027 at 09:00

  Scenario: A person's text takes the turn
    When a person texts Ada "Hello Ada, Olga here"
    And time passes until Friday 26 March 2027 at 12:00
    Then Ada got M1, a person's text and nothing else
    And Bob got M1, M2 and M3
