Feature: Teaching the AI
  People say what the AI should do better. What they teach holds from the next time that a prompt is made live, and what
  does harm is taken back.

  Background:
    Given Ada's enquiry, to which the AI answers

  Scenario: What is taught is said
    Given the lesson that to "too expensive" the AI says "There are ways to bring it down. Shall we look at them?"
    When Ada writes "That is too expensive"
    Then the AI answers something else
    When the reply prompt is made live
    And Ada writes "Honestly, it is too expensive"
    Then the AI answers "There are ways to bring it down. Shall we look at them?"
    And the answer remembers the version and the lesson

  Scenario: A lesson that says the contrary is not taken without a decision
    Given the lesson "Offer a call": "Answer a question about prices by offering a call."
    When somebody teaches "No calls": "Do not answer a question about prices by offering a call."
    Then it is refused, because it clashes with "Offer a call"
    When somebody teaches it all the same
    Then there are 2 lessons
    And the newer one shows who decided for it, against "Offer a call"

  Scenario: A draft is no answer
    Given the draft 'End every answer with "Talk soon."' for the reply prompt
    When Ada writes "How much is it?"
    Then the AI's answer does not end with "Talk soon."
    When the reply prompt is made live
    And Ada writes "Yes, and when?"
    Then the AI's answer ends with "Talk soon."

  Scenario: A version is rolled back
    Given the draft 'End every answer with "Talk soon."' for the reply prompt
    And the reply prompt is made live
    When the reply prompt is rolled back to version 0
    And Ada writes "How much is it?"
    Then the AI's answer does not end with "Talk soon."

  Scenario: A roll-back takes back what the version taught, whatever was made live since
    Given the draft 'End every answer with "Talk soon."' for the reply prompt
    And the reply prompt is made live
    And the lesson that to "too expensive" the AI says "There are ways to bring it down. Shall we look at them?"
    And the reply prompt is made live
    And the master prompt is made live
    When the reply prompt is rolled back to version 1
    And Ada writes "Honestly, it is too expensive"
    Then the AI answers something else
    And the AI's answer ends with "Talk soon."
    And no lesson is said to be in force

  Scenario: A draft that makes answers worse does not go live unnoticed
    Given 6 past conversations in which a lead asked "How much is it?"
    And the draft 'End every answer with "Hurry up!!!"' for the reply prompt
    When the draft is evaluated on them
    Then it is found worse: 6 answers are worse and 0 better
    And making it live is refused
    When it is made live all the same, because "The sale ends today."
    Then version 1 is live, and its history says "The sale ends today."

  Scenario: What is taught makes answers better, which is seen before it is said to anybody
    Given 6 past conversations in which a lead asked "Where are you, and what would it involve?"
    And the lesson that to "They ask where we are" the AI says "We come to you at home, and the first visit is a look round."
    When the draft is evaluated on them
    Then it is found better: 6 answers are better and 0 worse
    And under what is live each answer left the question open, and under the draft none
    When the reply prompt is made live
    Then whoever does it is shown that 6 answers are better, 0 the same and 0 worse, and 3 of them
    When Ada writes "Hello, where are you, and what would it involve?"
    Then the AI answers "We come to you at home, and the first visit is a look round."
    And the answer remembers the version and the lesson

  Scenario: A trial that does harm is taken back by itself
    Given a version of the reply prompt on trial for 30 % of conversations
    When 40 of 100 leads opt out under it, against 2 of 100 under the old one
    And an hour passes
    Then the trial is rolled back, because "More leads opted out: 40 of 100 conversations, against 2 of 100."
    And owners and admins are told of it
    When exactly that version is made live again
    Then whoever does it is told of the trial that rolled it back

  Scenario: Judging a draft does not cost more than the AI may cost in a day
    Given 6 past conversations in which a lead asked "How much is it?"
    And the draft 'End every answer with "Talk soon."' for the reply prompt
    And the AI has cost in evaluations all that it may cost today
    When somebody wants the draft evaluated
    Then it is refused, because the day's budget is used up
