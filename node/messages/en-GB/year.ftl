# This year at our school: one page for governors.

year-link = This year at our school
year-title = This year at our school:
year-what = What we tried, for whom, at what cost, with what result, and what is next. What did not work is here too.
year-choose = School years
year-print = To print it, use your browser’s own “Print”. A school year goes from September to August.
year-tried = { $count ->
    [one] 1 thing was tried.
   *[other] { $count } things were tried.
}
year-reported = { $count ->
    [0] Nothing is reported on yet.
    [one] 1 is reported on.
   *[other] { $count } are reported on.
}
year-stopped = { $count ->
    [0] None was stopped.
    [one] 1 was stopped.
   *[other] { $count } were stopped.
}
year-did-not-work = { $count ->
    [0] None is known not to have worked.
    [one] 1 did not work.
   *[other] { $count } did not work.
}
year-plan = What we set out to do
year-target-from = from { $from } to { $to }
year-target = to { $to }
year-tried-heading = What we tried
year-nothing = Nothing that our school shared was under way in this school year.
year-taken-from = Taken up from
year-aim = What we wanted to see
year-done = What was different
year-changes = What we changed
year-for-whom = For whom
year-all-pupils = all pupils
year-cost = Cost
year-cost-band = { $band }, for a pupil and a year
year-cost-unknown = not written down
year-result = What came of it
year-no-report = No report in this school year.
year-did-not-work-why = It did not work here: { $why }.
year-other = What else may explain it:
year-value = Was it worth what it cost?
year-report = The report
year-stop-reason = Why it was stopped
year-next = What is next
year-next-stopped = We have stopped it.
year-next-continue = We go on with it as it is.
year-next-adapt = We go on with it, with changes.
year-next-stop = We give it up.
year-next-unclear = It is not clear yet.
year-next-due = It is over, and we owe a report on it.
year-next-other-year = It is over, and reported on in another school year.
year-next-goes-on = It goes on.
year-next-heading = What is next
year-next-plan = Our plan for
year-proposed = What we are going to try
year-only-shared = This page has what our school shared with others. What is still being written, and plans that stay in the school, are not here.
year-older = { $count ->
    [one] 1 older record was not looked at.
   *[other] { $count } older records were not looked at.
}
