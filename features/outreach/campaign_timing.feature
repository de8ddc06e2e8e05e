Feature: When a campaign texts
  A campaign works its people in three touches, at a pace, in their hours, and leaves whoever answers alone.

  Background:
    Given a campaign for Ada, Bob and Cleo in London, one text a minute

  Scenario: Three touches, each so long after the one before
    Given it is Monday 15 March 2027 at 10:00
    When the campaign starts
    And time passes until Friday 26 March 2027 at 12:00
    Then Ada got M1 on Monday 15 March 2027 at 10:00
    And Ada got M2 on Wednesday 17 March 2027 at 10:00
    And Ada got M3 on Sunday 21 March 2027 at 10:00
    And Ada is EXHAUSTED
    And the campaign is completed

  Scenario: The pace
    Given it is Monday 15 March 2027 at 10:00
    When the campaign starts
    And time passes until Monday 15 March 2027 at 11:00
    Then the texts left at 10:00, 10:01 and 10:02

  Scenario: Who answers gets no further touch
    Given it is Monday 15 March 2027 at 10:00
    When the campaign starts
    And time passes until Monday 15 March 2027 at 13:00
    And Ada writes "Yes, still interested"
    And time passes until Friday 26 March 2027 at 12:00
    Then Ada got M1, the AI's answer and nothing else
    And Ada is HOT
    And Bob got M1, M2 and M3

  Scenario: What would leave in the evening leaves next morning, at the same pace
    Given it is Monday 15 March 2027 at 19:58
    When the campaign starts
    And time passes until Tuesday 16 March 2027 at 12:00
    Then the texts left at 19:58, 19:59 and 09:00
    And "quiet_hours" has delayed 1 text
