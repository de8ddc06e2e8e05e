Feature: Booked calls
  Who books a call is a person's from then on: no more touches, a reminder the day and the hour before, and nothing
  about a call that is not on any more.

  Background:
    Given it is Monday 15 March 2027 at 10:00
    And leads Ada and Bob in London

  Scenario: A booked call takes the lead out of the campaign
    Given their campaign starts
    And time passes until Monday 15 March 2027 at 12:00
    When a call with Ada is booked for Thursday 18 March 2027 at 11:00
    And time passes until Wednesday 17 March 2027 at 20:00
    Then Ada is CALL_BOOKED
    And Ada got no M2
    And Bob got M2

  Scenario: Two people want the same time
    When a call with Ada is booked for Thursday 18 March 2027 at 11:00
    And a call with Bob is asked for on Thursday 18 March 2027 at 11:00
    Then Bob is told that Thursday 18 March 2027 at 11:30 is free
    And Bob is READY

  Scenario: A reminder the day before and the hour before
    When a call with Ada is booked for Thursday 18 March 2027 at 11:00
    And time passes until Friday 19 March 2027 at 12:00
    Then Ada was reminded on Wednesday 17 March 2027 at 11:00 and Thursday 18 March 2027 at 10:00

  Scenario: A reminder in the language that the lead writes
    Given Ada writes "Sí, gracias, ¿me puede llamar?"
    When a call with Ada is booked for Thursday 18 March 2027 at 11:00
    And time passes until Friday 19 March 2027 at 12:00
    Then Ada's last reminder says "su llamada es el jueves 18 de marzo a las 11:00 (GMT)"

  Scenario: A call that is moved is reminded of at its new time only
    When a call with Ada is booked for Thursday 18 March 2027 at 11:00
    And Ada's call is moved to Friday 19 March 2027 at 15:00
    And time passes until Saturday 20 March 2027 at 12:00
    Then Ada was reminded on Thursday 18 March 2027 at 15:00 and Friday 19 March 2027 at 14:00

  Scenario: Nobody is reminded of a call that was cancelled
    When a call with Ada is booked for Thursday 18 March 2027 at 11:00
    And time passes until Wednesday 17 March 2027 at 12:00
    And Ada's call is cancelled
    And time passes until Friday 19 March 2027 at 12:00
    Then Ada was reminded on Wednesday 17 March 2027 at 11:00
    And Ada is HOT

  Scenario Outline: Who wants another time, or none, is left to a person
    When a call with Ada is booked for Thursday 18 March 2027 at 11:00
    And Ada writes "<words>"
    Then Ada is CALL_BOOKED
    And Ada is left to a person, because of "call_change"
    And a person is told once that Ada needs one

    Examples:
      | words                                |
      | Cancel my call please                |
      | Could you move my call to Friday?    |
      | Sorry, I can't make it on Thursday   |

  Scenario: Who said so twice is not handed over twice
    When a call with Ada is booked for Thursday 18 March 2027 at 11:00
    And Ada writes "Cancel my call please"
    And Ada writes "please cancel the call"
    Then Ada is left to a person, because of "call_change"
    And a person is told once that Ada needs one

  Scenario: Who wants no call and no more texts has opted out
    When a call with Ada is booked for Thursday 18 March 2027 at 11:00
    And Ada writes "Cancel my call and stop texting me"
    Then Ada is OPTED_OUT

  Scenario: Who has no call to cancel is answered as ever
    Given Ada writes "Cancel my call please"
    Then Ada is REPLIED
    And nobody is told that Ada needs a person

  Scenario: Who missed a call and says so in the evening is left to a person
    When a call with Ada is booked for Thursday 18 March 2027 at 11:00
    And time passes until Thursday 18 March 2027 at 19:00
    And Ada writes "Could you move my call to Friday?"
    Then Ada is left to a person, because of "call_change"

  Scenario: Who had a call last week and was given back to the AI is answered as ever
    When a call with Ada is booked for Thursday 18 March 2027 at 11:00
    And time passes until Thursday 25 March 2027 at 12:00
    And Ada is given back to the AI
    And Ada writes "I can't do it now, sorry"
    Then nobody is told that Ada needs a person

  Scenario: A reminder does not break the quiet hours, and none comes after the call
    When a call with Ada is booked for Thursday 18 March 2027 at 09:00
    And time passes until Friday 19 March 2027 at 12:00
    Then Ada was reminded on Wednesday 17 March 2027 at 09:00

  Scenario: A reminder that could not leave before its call does not leave after it
    When a call with Ada is booked for Thursday 18 March 2027 at 11:00
    And time passes until Wednesday 17 March 2027 at 12:00
    And texts cannot leave
    And time passes until Thursday 18 March 2027 at 11:30
    And texts can leave again
    And time passes until Friday 19 March 2027 at 12:00
    Then Ada was reminded on Wednesday 17 March 2027 at 11:00

  Scenario: A call that is booked an hour ahead is not reminded of the day before
    When a call with Ada is booked for Monday 15 March 2027 at 12:00
    And time passes until Tuesday 16 March 2027 at 12:00
    Then Ada was reminded on Monday 15 March 2027 at 11:00

  Scenario: Who opted out is not reminded
    When a call with Ada is booked for Thursday 18 March 2027 at 11:00
    And Ada writes "STOP"
    And time passes until Friday 19 March 2027 at 12:00
    Then Ada was not reminded

  Scenario: Who has an e-mail address is reminded by mail too
    Given Ada can be written to at ada@example.com
    When a call with Ada is booked for Thursday 18 March 2027 at 09:00
    And time passes until Friday 19 March 2027 at 12:00
    Then ada@example.com got 2 mails about "Thursday 18 March at 09:00 (GMT)"

  Scenario: Nobody is mailed about a call that was moved, but about its new time
    Given Ada can be written to at ada@example.com
    When a call with Ada is booked for Thursday 18 March 2027 at 11:00
    And time passes until Wednesday 17 March 2027 at 12:00
    And Ada's call is moved to Friday 19 March 2027 at 15:00
    And time passes until Saturday 20 March 2027 at 12:00
    Then ada@example.com got 1 mails about "Thursday 18 March at 11:00 (GMT)"
    And ada@example.com got 2 mails about "Friday 19 March at 15:00 (GMT)"

  Scenario: Who opted out gets no mail either
    Given Ada can be written to at ada@example.com
    When a call with Ada is booked for Thursday 18 March 2027 at 11:00
    And Ada writes "STOP"
    And time passes until Friday 19 March 2027 at 12:00
    Then ada@example.com got 0 mails about "Thursday 18 March at 11:00 (GMT)"

  Scenario: Who opts out while a mail cannot leave does not get it later
    Given Ada can be written to at ada@example.com
    When a call with Ada is booked for Thursday 18 March 2027 at 11:00
    And the post office closes
    And time passes until Wednesday 17 March 2027 at 11:02
    And Ada writes "STOP"
    And the post office opens again
    And time passes until Friday 19 March 2027 at 12:00
    Then ada@example.com got 0 mails about "Thursday 18 March at 11:00 (GMT)"
