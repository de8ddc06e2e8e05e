Feature: STOP
  Whoever says STOP, in any wording, gets one confirmation and then nothing more, from anybody, about anything.

  Background:
    Given a campaign for Ada and Bob in London, one text a minute
    And it is Monday 15 March 2027 at 10:00
    And the campaign starts
    And time passes until Monday 15 March 2027 at 11:00

  Scenario Outline: In any wording
    When Ada writes "<words>"
    And time passes until Friday 26 March 2027 at 12:00
    Then Ada got M1, a confirmation and nothing else
    And Ada is OPTED_OUT
    And Bob got M1, M2 and M3

    Examples:
      | words                       |
      | STOP                        |
      | s t o p !!                  |
      | Unsubscribe please          |
      | please stop texting me      |
      | take me off your list       |
      | no me escribas más          |
      | proszę przestać do mnie pisać |

  Scenario: It is confirmed once, however often it is said
    When Ada writes "STOP"
    And Ada writes "STOP!!! I said"
    And Ada writes "stop"
    Then Ada got M1, a confirmation and nothing else

  Scenario: What only sounds like it
    When Ada writes "Could you stop by at 5 on Thursday?"
    Then Ada got M1 and nothing else
    And Ada is REPLIED

  Scenario: A person cannot text her either, and is told why
    When Ada writes "STOP"
    And a person texts Ada "Just one more thing"
    Then that is refused, because of "opt_out"
    And Ada got M1, a confirmation and nothing else

  Scenario: Another list does not bring her back
    When Ada writes "STOP"
    And Ada stands on another list, whose campaign starts
    And time passes until Friday 26 March 2027 at 12:00
    Then Ada got M1, a confirmation and nothing else

  Scenario: START undoes what STOP did
    When Ada writes "STOP"
    And Ada writes "START"
    And a person texts Ada "Good to have you back"
    Then Ada got M1, a confirmation, a welcome and a person's text
    And Ada is REPLIED
