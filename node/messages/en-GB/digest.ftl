# The weekly e-mail, in plain text.

digest-subject = What is new in Staffroom at { $school }
digest-begin = Good morning. This is what is new for { $school } in Staffroom since { $day }.
digest-came = { $count ->
    [one] 1 record came from another school:
   *[other] { $count } records came from other schools:
}
digest-came-much = So much came from other schools that it is best looked at on the first page:
digest-saved = Saved searches with news:
digest-saved-one = { $name }: { $count } new
digest-questions = { $count ->
    [one] A question to your school waits for an answer:
   *[other] { $count } questions to your school wait for an answer:
}
digest-due = { $count ->
    [one] A report is due:
   *[other] { $count } reports are due:
}
digest-more = { $count ->
    [one] And 1 more:
   *[other] And { $count } more:
}
digest-end = You have this e-mail since you asked for it. To stop it, go to { $address }
