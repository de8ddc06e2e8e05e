Feature: People's data, out and gone
  Whoever asks what we know of them is told all of it, and whoever asks to be forgotten is: nothing is left of them but
  what it takes to leave them alone.

  Background:
    Given Jane Smith was imported from an old list, and a colleague wrote a note about her

  Scenario: What do you know of me?
    When an administrator has Jane's data written out
    Then the file tells her name, her number, the note and the row she came in by

  Scenario: Forget me
    When an administrator has Jane erased, naming her by "07700 900123"
    Then the erasure is refused, as it must name her number in full, her address or her name
    When an administrator has Jane erased, naming her by "jane smith"
    Then nobody finds Jane any more
    And the uploaded list is no longer kept

  Scenario: Forgotten, and imported again
    Given Jane was erased
    When another list with Jane's number is imported
    Then that lead has opted out
