Feature: Quiet hours over a clock change
  Nobody is texted before nine or after eight in the evening, on their own clock, also on the days it is changed.

  Scenario Outline: The night in which the clocks change
    Given a campaign for Ada in London, one text a minute
    And it is <evening>
    When the campaign starts
    And time passes until <noon>
    Then Ada got M1 at <opening> UTC

    Examples:
      | evening                           | noon                             | opening          | why                  |
      | Friday 26 March 2027 at 21:00     | Saturday 27 March 2027 at 12:00  | 2027-03-27 09:00 | still winter time    |
      | Saturday 27 March 2027 at 21:00   | Sunday 28 March 2027 at 12:00    | 2027-03-28 08:00 | summer time has begun |
      | Saturday 30 October 2027 at 21:00 | Sunday 31 October 2027 at 12:00  | 2027-10-31 09:00 | it has ended         |

  Scenario: A touch that the change would bring into the night before nine waits
    Given a campaign for Ada in London, one text a minute
    And it is Saturday 30 October 2027 at 09:20
    When the campaign starts
    And time passes until Tuesday 2 November 2027 at 12:00
    Then Ada got M1 on Saturday 30 October 2027 at 09:20
    And Ada got M2 on Monday 1 November 2027 at 09:00

  Scenario: A touch that the change would bring into the evening waits for the morning
    Given a campaign for Ada in London, one text a minute
    And it is Saturday 27 March 2027 at 19:30
    When the campaign starts
    And time passes until Tuesday 30 March 2027 at 12:00
    Then Ada got M1 on Saturday 27 March 2027 at 19:30
    And Ada got M2 on Tuesday 30 March 2027 at 09:00

  Scenario: The hours are the recipient's, not ours
    Given a campaign for Ada in New York, one text a minute
    And it is Monday 15 March 2027 at 10:00
    When the campaign starts
    And time passes until Monday 15 March 2027 at 18:00
    Then Ada got M1 at 2027-03-15 13:00 UTC
