Feature: Following what happens
  Screens follow what happens without asking again and again. Everybody hears of what they may see, of everything,
  and of nothing twice.

  Background:
    Given Rita and Rob sell for the same organisation, each with a screen that follows what happens

  Scenario: A rep hears of their own leads
    When a lead is entered for Rita
    Then Rita hears of 1 new lead
    And Rob hears nothing

  Scenario: A lead of nobody's concerns everybody
    When a lead is entered for nobody
    Then Rita hears of 1 new lead
    And Rob hears of 1 new lead

  Scenario: A lead changes hands
    Given a lead is entered for Rita
    And everybody has heard of what happened so far
    When the lead is given to Rob
    Then Rob hears that it was assigned
    And Rita hears nothing

  Scenario: A laptop that was closed
    Given Rita closes her laptop
    And a lead is entered for Rita
    And a lead is entered for Rita
    When Rita opens her laptop again
    Then Rita hears of 2 new leads
    And she hears of nothing a second time

  Scenario: Names stay where they are
    When a lead is entered for Rita
    Then nothing of what Rita hears names the person
