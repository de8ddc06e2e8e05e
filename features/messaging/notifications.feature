Feature: People are told
  Whose lead it is hears at once when it matters, once, and of what can wait once a day.

  Background:
    Given it is Monday 15 March 2027 at 10:00
    And Olga owns the business, Mary manages it and Rita sells
    And Ada is Rita's lead, and Bob is nobody's

  Scenario: A hot lead's owner is told once
    When Ada writes "Yes, still interested"
    And Ada writes "When can you call me?"
    And time passes until Monday 15 March 2027 at 12:00
    Then Rita was told "Ada wants to go on" once, on screen and by mail
    And nobody else was told anything

  Scenario: Nobody's lead concerns those who lead
    When Bob writes "Yes, still interested"
    And time passes until Monday 15 March 2027 at 12:00
    Then Olga was told "Bob wants to go on" once, on screen and by mail
    And Mary was told "Bob wants to go on" once, on screen and by mail
    And Rita was told nothing

  Scenario: By text, where somebody wants that
    Given Rita wants to be told by text what is immediate
    When Ada writes "Yes, still interested"
    And time passes until Monday 15 March 2027 at 12:00
    Then Rita got one text, "Ada wants to go on", and no mail

  Scenario: A text that waits for the morning does not go to a number that is not hers any more
    Given Rita wants to be told by text what is immediate
    And it is Monday 15 March 2027 at 22:30
    When Ada writes "Yes, still interested"
    And time passes until Monday 15 March 2027 at 23:30
    And Rita gets another number
    And time passes until Tuesday 16 March 2027 at 12:00
    Then nobody was told anything by text

  Scenario: What can wait comes once a day
    Given Mary reads her digest at 17 o'clock
    When two campaigns are done
    And time passes until Monday 15 March 2027 at 16:59
    Then Mary got no mail
    When time passes until Wednesday 17 March 2027 at 12:00
    Then Mary got one mail, "2 notifications from Bright Windows"

  Scenario: Who left is told nothing any more
    When Rita leaves
    And Ada writes "Yes, still interested"
    And time passes until Monday 15 March 2027 at 12:00
    Then Rita was told nothing
    And Olga was told "Ada wants to go on" once, on screen and by mail

  Scenario: A provider that takes nothing is told to those who can mend it
    When the mail provider takes nothing any more, because the key is wrong
    Then Olga was told "Mails do not leave through resend" once, on screen alone
    And Mary was told nothing
    And Rita was told nothing

  Scenario: Who took a conversation over hears when the lead answers, once for texts that come together
    Given Mary has taken Ada's conversation over
    When Ada writes "Can you do Tuesday?"
    And Ada writes "Or Wednesday"
    And Ada writes "Mornings are best"
    Then Mary was told "Ada has written" once, on screen and by mail
    And nobody but Mary was told anything
