Feature: The coach finds what went wrong
  Conversations are reviewed once they are still; the same fault in many is one insight, with the exact words that show it.

  Background:
    Given a campaign for Ada and Bob in London, one text a minute

  Scenario: A campaign that names no way out is one insight, however many answer
    Given it is Monday 15 March 2027 at 10:00
    And the campaign starts with an M1 that says "Hello, is the bay window still of interest?"
    And time passes until Monday 15 March 2027 at 11:00
    When Ada writes "Yes, still interested"
    And Bob writes "Who is this?"
    And time passes until Monday 15 March 2027 at 11:10
    Then the coach found "The first campaign text does not say how to opt out" with 2 leads
    And the words that show it are "Hello, is the bay window still of interest?"

  Scenario: What was dismissed rests
    Given it is Monday 15 March 2027 at 10:00
    And the campaign starts with an M1 that says "Hello, is the bay window still of interest?"
    And time passes until Monday 15 March 2027 at 11:00
    When Ada writes "Yes, still interested"
    And time passes until Monday 15 March 2027 at 11:10
    And the owner dismisses what the coach found
    And Bob writes "Yes, me too"
    And time passes until Monday 15 March 2027 at 11:20
    Then the coach has nothing to say

  Scenario: A good conversation has nothing to be found
    Given it is Monday 15 March 2027 at 10:00
    And the campaign starts
    And time passes until Monday 15 March 2027 at 11:00
    When Ada writes "How much would it cost?"
    And time passes until Monday 15 March 2027 at 11:10
    Then the coach has nothing to say
    And Ada's conversation scores 100

  Scenario: What people agree with becomes a lesson, and does not come again from what was said before
    Given it is Monday 15 March 2027 at 10:00
    And the campaign starts with an M1 that says "Hello, is the bay window still of interest?"
    And time passes until Monday 15 March 2027 at 11:00
    When Ada writes "Yes, still interested"
    And time passes until Monday 15 March 2027 at 11:10
    And the owner agrees, since "Every first text names the way out."
    And Bob writes "Yes, me too"
    And time passes until Monday 15 March 2027 at 11:20
    Then the coach has nothing to say
    And there is an active lesson "The first campaign text does not say how to opt out"

  Scenario: The coach is taught what is no fault
    Given it is Monday 15 March 2027 at 10:00
    And the campaign starts with an M1 that says "Hello, is the bay window still of interest?"
    And time passes until Monday 15 March 2027 at 11:00
    When Ada writes "Yes, still interested"
    And time passes until Monday 15 March 2027 at 11:10
    And the owner disagrees, since "These people asked us to write without a footer."
    And Bob writes "Yes, me too"
    And time passes until Monday 15 March 2027 at 11:20
    Then the coach has nothing to say
    And there is an active lesson "No fault: The first campaign text does not say how to opt out"
