development-title = Professional development
development-what = What schools offer each other and look for, and what they looked at together.
development-begin = Write an offer or a request
development-offers-heading = Offers and requests
development-all = All
development-offers = Offers
development-requests = Requests
development-direction = Offered or asked for
development-domain = What it develops
development-level = For whom
development-all-levels = All staff
development-none = Nothing is offered or asked for yet. Begin with one hour of one colleague: an observation, or a question that you would like help with.
development-none-of-these = None of the offers and requests is of this sort.
development-over = { $count ->
    [one] 1 is over
   *[other] { $count } are over
}
development-offer = Offer
development-request = Request
development-places = { $count ->
    [one] 1 place
   *[other] { $count } places
}
development-from-to = { $from } to { $to }
development-from = from { $day }
development-cost = cost:
development-reviews = Peer reviews
development-reviews-what = Schools look together at a question that one of them asks. There are no grades.
development-reviews-none = No peer review is shared yet. It begins with a question that is your own.
development-with = with
development-focus = The question
development-strengths = What is strong
development-steps = Next steps
development-late = due
development-follow-up = What came of it
development-planned = Planned
development-seen = Seen
development-next-steps = Next steps agreed
development-followed-up = Followed up
development-older = { $count ->
    [one] 1 older record is not shown here. The search finds it.
   *[other] { $count } older records are not shown here. The search finds them.
}
write-offer = An offer or a request
write-offer-title-hint = Such as “Come and watch pre-teaching on a Monday”.
write-direction = Is it offered or asked for?
direction-offer = We offer it
direction-request = We look for it
write-form = Form
write-develops = What does it develop?
write-level = For whom?
write-source = Where does it come from?
write-offer-abstract-hint = What will happen, and what somebody takes home.
write-places = Places
write-when = Days and times
write-when-hint = Such as “Tuesdays, 15:45 to 17:00”.
write-where = Where
write-where-hint = A place, or “online”.
write-cost = Cost
write-cost-words-hint = Such as “free” or “£120 a place”.
development-begin-review = Write a peer review
write-peer-review = A peer review
write-review-title-hint = Such as “Reading in Key Stage 3”.
write-focus = The question
write-focus-hint = Your own: what do you want other schools to look at with you?
write-reviewers = Which schools look with you?
write-reviewers-hint = One on each line.
write-review-seen = What they saw
write-evidence-seen = What did they look at?
write-no-grades = Lessons, books, talks with pupils. No grades.
write-strengths = What is strong?
write-next-steps = Next steps
write-row-step = Step { $number }
write-step = What will be done?
write-step-role = Who sees to it?
write-step-day = By when?
write-follow-up = What came of it?
write-host = Which school was visited?
write-host-hint = Leave it empty if it was ours.
