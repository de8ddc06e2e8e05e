Feature: Locations and who works where
  An organisation with several locations decides who works at which. Whoever is assigned to some sees those and no
  others, and never more because of a mistake elsewhere.

  Background:
    Given Olga owns Bright Windows with the locations "Leeds" and "York"
    And Rita works there as a "rep"

  Scenario: Whoever is assigned nowhere sees every location
    Then Rita sees the locations "Leeds, York"
    And Rita's own locations are none

  Scenario: Somebody works at one location
    When Olga assigns Rita to "York"
    Then Rita sees the locations "York"
    And Rita's own locations are "York"

  Scenario: A location that is given up opens no other
    Given Olga assigns Rita to "York"
    When Olga deletes the location "York"
    Then Rita sees no locations

  Scenario: A brand is not given up over its locations
    When Olga tries to delete the brand
    Then she is told that it has locations
