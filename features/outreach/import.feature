Feature: Importing an old list
  A list of old enquiries becomes leads one can text. Every row ends in exactly one of created, duplicate and failed.

  Background:
    Given an organisation in Britain with a dataset

  Scenario: The list of old enquiries
    When the file "old-enquiries-uk-600.csv" is imported
    Then 525 rows are created, 40 are duplicates and 35 failed
    And 500 leads are READY
    And 25 leads are UNREACHABLE

  Scenario: The same list a second time
    Given the file "old-enquiries-uk-600.csv" was imported
    When the file "old-enquiries-uk-600.csv" is imported
    Then 0 rows are created, 565 are duplicates and 35 failed

  Scenario: A number is a person's number however it is written
    When this list is imported
      | First | Last  | Mobile             |
      | Ann   | Ash   | 07700 900123       |
      | Ann   | Ash   | +44 (0)7700 900123 |
      | Anne  | Ash   | 447700900123       |
    Then 1 row is created, 2 are duplicates and 0 failed
    And row 3 says "The same number as in row 2."

  Scenario: Rows that failed are mended and imported
    Given this list was imported
      | First | Last  | Mobile       |
      | Ann   | Ash   | 07700 900123 |
      | Bob   | Birch | ring him     |
    When the failed rows are downloaded, "ring him" is mended to "07700 900456", and they are imported
    Then 1 row is created, 0 are duplicates and 0 failed
    And 2 leads are READY

  Scenario: Who said STOP stays opted out, whatever list they stand on
    Given "+447700900123" has opted out
    When this list is imported
      | First | Last  | Mobile       |
      | Ann   | Ash   | 07700 900123 |
      | Bob   | Birch | 07700 900456 |
    Then 1 lead is OPTED_OUT
    And 1 lead is READY

  Scenario: A mapping that names a column the file lacks
    When this list is imported with the phone number from "Handy"
      | First | Last | Mobile       |
      | Ann   | Ash  | 07700 900123 |
    Then it is refused with "The file has no column named “Handy”."

  Scenario: An import nobody has worked with is undone
    Given this list was imported
      | First | Last  | Mobile       |
      | Ann   | Ash   | 07700 900123 |
      | Bob   | Birch | 07700 900456 |
    When the import is undone
    Then 0 leads are READY
    And nobody of the list is left among the contacts

  Scenario: Who was worked with stays when an import is undone
    Given this list was imported
      | First | Last  | Mobile       |
      | Ann   | Ash   | 07700 900123 |
      | Bob   | Birch | 07700 900456 |
    And somebody wrote a note about "Ann"
    When the undo is previewed
    Then 1 lead would go and 1 would stay for its "note"
    When the import is undone
    Then 1 lead is READY

  Scenario: Undoing does not bring back who said STOP
    Given "+447700900123" has opted out
    And this list was imported
      | First | Last  | Mobile       |
      | Ann   | Ash   | 07700 900123 |
    When the import is undone
    And this list is imported
      | First | Last  | Mobile       |
      | Ann   | Ash   | 07700 900123 |
    Then 1 lead is OPTED_OUT
