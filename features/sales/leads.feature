Feature: Working leads
  A sales team works its leads by hand while campaigns run. What a person decides holds at once,
  also for texts that were already planned.

  Background:
    Given Jane Smith's old enquiry is a lead in a running campaign

  Scenario: A person takes a lead over, and gives it back
    When a person takes Jane's lead over
    Then Jane's planned text waits
    When the person gives Jane's lead back
    Then Jane's planned text goes on

  Scenario: An archived lead gets no more texts
    When somebody archives Jane's lead
    Then Jane's planned text is cancelled
    When somebody takes Jane's lead out of the archive
    Then Jane's planned text is cancelled

  Scenario: A lead that must not be contacted
    When somebody tags Jane's lead "dnc"
    Then Jane's lead is in the stage "LOST"
    And Jane's planned text is cancelled

  Scenario: A sale
    When somebody tags Jane's lead "won"
    Then Jane's lead is in the stage "WON"
    And Jane's outreach status is "CONVERTED"
    And Jane's planned text is cancelled

  Scenario: A corrected number
    When somebody corrects Jane's number to "07700 900777"
    Then Jane's planned text goes to "+447700900777"

  Scenario: Two people change the same lead
    Given two people look at Jane's lead
    When the first one writes down "Prefers mornings"
    And the second one writes down "Prefers evenings"
    Then the second one is told that the lead was changed meanwhile
    And Jane's lead says "Prefers mornings"

  Scenario: What happened can be read afterwards
    When somebody moves Jane's lead to "QUALIFIED"
    And a person takes Jane's lead over
    Then the latest activities are "lead.manual_mode_set" and "lead.moved"

  Scenario Outline: Jane is found by whatever somebody remembers
    Then searching for "<memory>" finds Jane

    Examples:
      | memory           |
      | smi              |
      | Jane S           |
      | jane@            |
      | 07700 900123     |
      | 900123           |
      | mith             |
      | jane smiht       |
      | smyth            |
