Feature: The team
  An owner brings people in by a link, decides what each may do, and lets them go again. What is decided holds at once,
  and an organisation always keeps an owner.

  Background:
    Given Olga owns Bright Windows

  Scenario: Somebody is invited and comes in
    When Olga invites Rita as a "rep"
    Then Rita is "invited"
    And Rita gets a mail with a link
    When Rita accepts
    Then Rita is "active"
    And Rita can sign in

  Scenario: A link works once
    Given Rita has accepted Olga's invitation
    When somebody else opens Rita's link
    Then they are told that it is no good

  Scenario: A link that lay around for a day
    When Olga invites Rita as a "rep"
    And a day passes before Rita opens the link
    And Rita accepts
    Then they are told that it is no good
    When Olga sends the invitation anew
    And Rita accepts
    Then Rita is "active"

  Scenario: An invitation is taken back
    When Olga invites Rita as a "rep"
    And Olga takes the invitation back
    And Rita accepts
    Then they are told that it is no good
    And Rita gets no mail

  Scenario: Somebody leaves the company
    Given Rita has accepted Olga's invitation
    And Jane Smith's enquiry is Rita's
    When Olga suspends Rita
    Then Rita is out at once
    And Rita cannot sign in
    And Jane Smith's enquiry is still there, and can be given to somebody else

  Scenario: The last owner stays
    Given Rita has accepted Olga's invitation
    When Olga tries to make herself a "rep"
    Then she is told to ask somebody else
    When Olga makes Rita an "owner"
    And Rita makes Olga a "rep"
    Then Rita is the only owner
    When Rita tries to leave
    Then she is told to ask somebody else

  Scenario: Nobody gives away what they do not have
    Given Rita has accepted Olga's invitation
    When Olga makes Rita an "admin"
    And Rita tries to invite Ben as an "owner"
    Then she is told that this is beyond her own role
