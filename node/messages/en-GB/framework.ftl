framework-title = Framework
framework-what = What the schools of our groups hold in common, what they agree with each other, and what each decides for itself.
framework-on-this-page = On this page
framework-to-come = { $count ->
    [one] The full text of 1 record has not arrived from its school yet.
   *[other] The full texts of { $count } records have not arrived from their schools yet.
}
framework-vision-heading = Vision and priorities
framework-none = No group of ours has shared a framework yet. Begin with one sentence on where you want to be, and one priority; decisions on single areas can follow.
framework-priorities = Priorities
framework-emphases = What comes first
framework-values = Values
framework-begin = Write a framework decision
framework-areas-heading = Standardised, aligned or left to each school
framework-areas-what = Standardised: all schools do the same. Aligned: schools agree a shared approach. Autonomous: each school decides.
framework-clashes = { $count ->
    [one] Decisions clash in 1 area.
   *[other] Decisions clash in { $count } areas.
}
framework-clashes-what = Both are shown. The groups that decided have to settle it.
framework-areas-none = Nothing is decided yet. Start with the area that costs you most when schools do it differently.
framework-decisions = What each group decided, area by area
framework-area = Area of practice
framework-group = Group
framework-approach = Approach
framework-why = Why
framework-who = Decided by
framework-exceptions = Exceptions
framework-clash = Clash
framework-clash-approaches = The groups decided differently.
framework-clash-twice = One group decided this twice.
framework-evidence = Evidence
framework-agreed-by = Agreed by
framework-review = Look again by { $day }
framework-review-due = To be looked at again since { $day }
framework-no-exception = None
framework-own = our school
framework-until = until { $day }
framework-ended = ended { $day }
framework-undecided = { $count ->
    [one] 1 area is not decided
   *[other] { $count } areas are not decided
}
framework-undecided-caption = Areas that no group of ours has decided
framework-usually = What most trusts choose is only a guide. Nothing is set in advance.
framework-most-trusts = Most trusts
approach-standardised = Standardised
approach-aligned = Aligned
approach-autonomous = Autonomous
approach-unknown = Not known to this program
framework-expectations-heading = Expectations by age
framework-expectations-none = No expectation is shared yet. Begin with one that schools read differently, and agree what it means over pupils’ work.
framework-expected-in = What is expected in { $subject }
framework-year = Year
framework-expected = What is expected
framework-agreed = Agreed by
framework-moderated = Work compared on { $day }
framework-more-expectations = { $count ->
    [one] 1 older expectation is not listed here. Search for all of them.
   *[other] { $count } older expectations are not listed here. Search for all of them.
}
framework-begin-expectation = Write an expectation
framework-checklist-heading = Self-assessment
framework-checklist-what = Six questions on how well the framework works, answered by schools and trusts once a term, from 1 (least) to 4 (most). It shows how far schools see things alike, and does not rank them.
framework-checklist-none = Nobody has answered the questions yet. Answer those you have talked about, and leave the others out.
framework-checklist-schools = { $count ->
    [one] 1 school answered in the last term.
   *[other] { $count } schools answered in the last term.
}
framework-a-school = a school
framework-our-school = our school
framework-a-trust = a trust as a whole
framework-schools-gave = { $count ->
    [one] 1 school says { $score }
   *[other] { $count } schools say { $score }
}
framework-trust-gave = the trust as a whole says { $score }
framework-not-discussed-by = { $count ->
    [one] 1 school has not yet discussed it
   *[other] { $count } schools have not yet discussed it
}
framework-as-table = The answers as a table
framework-answers = How many schools gave each answer
framework-question = Question
framework-term = Term
framework-not-discussed = Not yet discussed
framework-in-their-words = Read the answers in the schools’ own words
framework-begin-answers = Answer the questions
framework-plans-heading = Improvement plans
framework-plans-what = What schools work on this year, as far as they share it.
framework-plans-none = No plan is shared yet. A plan stays in its school unless it is shared here.
framework-from-to = { $from } to { $to }
framework-to = to { $to }
framework-by-day = by { $day }
framework-begin-plan = Write an improvement plan
write-framework = Framework decisions
write-framework-title-hint = Whose framework it is: “The framework of our trust”.
write-row-decision = Decision { $number }
write-area = Area of practice
write-approach = Approach
write-why = Why?
write-decided-by = Decided by
write-decided-by-hint = A role or body, such as “trust board”.
write-decided-on = Decided on
write-review = Look again by
write-review-hint = Within two years of the decision.
write-agreed-by = Schools that agreed
write-agreed-by-hint = One on each line. An aligned area needs two or more.
write-exception = Exception: school
write-exception-hint = Only where a school does otherwise for a time.
write-exception-reason = Exception: reason
write-exception-until = Exception: until
write-vision-and-priorities = Vision and priorities
write-vision = Where do you want to be?
write-mission = What are you there to do?
write-priorities = What do you work on now?
write-emphases = What comes first?
write-emphases-hint = The most important first, one on each line: mastery of core skills, knowledge-rich curriculum, social mobility, creativity, character, wellbeing and resilience, or your own words.
write-values = What do you stand for?
write-expectation = An expectation by age
write-expectation-title-hint = Such as “Fractions of amounts by the end of Year 4”.
write-subject = Subject
write-year-group = Year group
write-expected = What are pupils expected to know and do?
write-expected-hint = So that two teachers who read it would judge the same work alike.
write-exemplars = What does work look like that meets it?
write-exemplars-hint = A description or an address on each line. Describe the work and never the pupil.
write-moderated = When did schools compare work against it?
write-self-assessment = Self-assessment
write-by = Who answers?
by-school = our school
by-trust = our trust as a whole
write-term = Term
write-term-hint = Such as “autumn 2026”.
write-question = Question
write-score = Score
score-1 = 1, least
score-2 = 2
score-3 = 3
score-4 = 4, most
write-answer = In words
write-next-step = Next step
write-evidence = What does it rest on?
write-evidence-hint = A link on each line.
write-plan = Improvement plan
write-academic-year = School year
write-academic-year-hint = Such as “2026/27”.
write-row-priority = Priority { $number }
write-statement = What is to become better?
write-inspection-area = Inspection area
write-plan-measure = Measured by
write-plan-measure-hint = With its unit: “attendance, per cent”.
write-plan-pupils = Pupils behind the figures
write-plan-pupils-hint = Figures about fewer than 10 stay in the school.
write-baseline = Where you are
write-target = Where you want to be
write-target-date = By
write-lead-role = Who leads it? (a role)
write-actions = What will you do?
