"""`doudi simulate`: the synthetic county goes on living, month by month, through the same services that officers' pages call.

A month is a list of steps; each is one transaction that notes with its work that it was done, so that a run that was cut off goes on where it stood.
After each month the books, the decisions, the leads and the seals are looked at; what does not hold ends the run and says what and where.
"""
