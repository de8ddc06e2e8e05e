Feature: The AI writes first texts
  A campaign's texts are templates, or the AI writes them for each lead by a prompt that people own. Nobody is left out
  because of it.

  Background:
    Given a campaign for Ada and Bob in London, one text a minute
    And it is Monday 15 March 2027 at 10:00

  Scenario: Each lead gets a text of their own
    Given Ada once asked about bay windows
    And Bob once asked about a front door
    When the campaign starts, with texts that the AI writes
    And time passes until Monday 15 March 2027 at 10:10
    Then Ada got M1 and nothing else
    And the last text to Ada says "bay windows"
    And the last text to Bob says "a front door"
    And the last text to Bob says "Reply STOP to opt out."

  Scenario: The prompt that is live is the one that is followed
    Given the live prompt for M1 says 'End every text with "Talk soon."'
    When the campaign starts, with texts that the AI writes
    And time passes until Monday 15 March 2027 at 10:10
    Then the last text to Ada says "Talk soon."
    And the last text to Ada remembers version 1 of the prompt for M1

  Scenario: A text is seen before a lead gets it
    Given a draft for M1 that says 'End every text with "Talk soon."'
    When somebody previews M1 for Ada
    Then the preview says "Talk soon. Reply STOP to opt out."
    When time passes until Monday 15 March 2027 at 10:10
    Then Ada got nothing

  Scenario: A model that is away costs words, not leads
    Given the model is away
    When the campaign starts, with texts that the AI writes
    And time passes until Monday 15 March 2027 at 10:20
    Then the last text to Ada says "Hello from the template"
    And the last text to Bob says "Hello from the template"
    And the campaign says that 2 texts fell back, because of "model_away"

  Scenario: Back to the templates, nobody waits for the AI
    Given the model is away
    When the campaign starts, with texts that the AI writes
    And its texts are to be the templates again
    And time passes until Monday 15 March 2027 at 10:03
    Then the last text to Ada says "Hello from the template"
    And the last text to Bob says "Hello from the template"

  Scenario: Who says stop meanwhile gets nothing
    Given the model is away
    When the campaign starts, with texts that the AI writes
    And Ada writes "STOP"
    And time passes until Monday 15 March 2027 at 10:20
    Then Ada got a confirmation and nothing else

  Scenario: Later touches are written too, with what was said before
    When the campaign starts, with texts that the AI writes
    And time passes until Friday 26 March 2027 at 12:00
    Then Ada got M1, M2, M3 and nothing else
    And no two texts to Ada are alike
