Feature: An organisation closes
  Who leaves us is let go completely: from the moment of closing nobody is texted any more and nobody gets in, and a
  month later nothing is left, while everybody else's work goes on untouched.

  Background:
    Given Olga owns Bright Windows, where Rita sells and a list of three people is being texted
    And Dora owns Dark Doors with a lead of her own

  Scenario: Closing ends the work at once
    When Olga closes Bright Windows
    Then no text to the three people is planned any more
    And neither Olga nor Rita gets in
    And the website's key opens nothing

  Scenario: Nothing is lost for a month
    When Olga closes Bright Windows
    And 29 days pass
    Then the three leads are still kept

  Scenario: After a month nothing is left
    When Olga closes Bright Windows
    And 30 days pass
    Then no row and no file of Bright Windows is left
    And Olga's account is gone, but Rita's stays, as she works elsewhere too
    And Dora still has her lead

  Scenario: An open organisation is never erased
    When somebody tries to erase Bright Windows
    Then they are told that it is open
    And the three leads are still kept

  Scenario: Only an owner closes
    When Rita tries to close Bright Windows
    Then she is refused
    And the three people are still to be texted
