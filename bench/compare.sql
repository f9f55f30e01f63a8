-- The baseline of compare.py: one statement, written by hand for DuckDB, that finds the (indicator, person) pairs of all indicators at their own
-- thresholds in the same Parquet files; no reasons, no evidence, no situations. {f}: folder, {on}: day, {year}: a year before it.
with registry as (select * from '{f}/people.parquet'),
dead as (select distinct person_id from '{f}/lake/deaths/*/*.parquet' d join registry r using (id_token) where d.died_on <= '{on}'),
flagged as (select r.*, on_dibao or on_tekun recipient, died_on is null and d.person_id is null alive
  from registry r left join dead d using (person_id)),
households as (select household_id, count(*) filter (recipient) helped, count(*) filter (alive) living,
  min(person_id) filter (alive) first_person, sum(own_income) filter (alive) earned, min(standard) line from flagged group by 1),
people as (select f.*, h.helped, h.living, h.helped = 0 and income_month < 1.5 * standard * living low
  from flagged f join households h using (household_id)),
living as (select * from people where alive),
recipients as (select * from living where recipient),

-- health
disability as (select p.*, d.grade, d.issued_on from '{f}/lake/disability/*/*.parquet' d join living p using (id_token)
  where d.valid_until is null or d.valid_until >= '{on}'),
medical as (select person_id, sum(own_cost) own, bool_or(serious_illness) serious from '{f}/lake/medical/*/*.parquet' m
  join registry using (id_token) where settled_on > '{year}' and settled_on <= '{on}' group by 1),
ill as (select p.*, i.diagnosed_on from '{f}/lake/serious_illness/*/*.parquet' i join living p using (id_token)),

-- households
unemployed as (select p.*, u.registered_on, u.status, u.benefit, u.benefit_until from '{f}/lake/unemployment/*/*.parquet' u join living p using (id_token)),
struck as (select p.*, d.happened_on, d.damage, d.loss from '{f}/lake/disasters/*/*.parquet' d join living p using (id_token)),
since as (select person_id, refused_on, helped, diagnosed_on happened from ill union all select person_id, refused_on, helped, happened_on from struck
  union all select person_id, refused_on, helped, registered_on from unemployed
  union all select p.person_id, refused_on, helped, d.issued_on from '{f}/lake/disability/*/*.parquet' d join living p using (id_token)),
bereaved as (select distinct m.household_id from '{f}/lake/deaths/*/*.parquet' d join registry r using (id_token)
  join '{f}/members.parquet' m using (person_id) where d.died_on > '{year}' and d.died_on <= '{on}'
  and r.birth_date > date '{on}' - interval 60 year and r.birth_date <= date '{on}' - interval 18 year),

-- children
members as (select m.household_id, m.relationship code, r.person_id, r.birth_date born from '{f}/members.parquet' m join registry r using (person_id)),
parents as (select distinct c.person_id child, q.person_id parent from members c join members q using (household_id)
  where year(c.born) - year(q.born) >= 14 and (
    (c.code between '20' and '39' and c.code not in ('28', '38') and q.code in ('01', '02', '10', '11', '12'))
    or ((c.code in ('01', '02') or c.code between '70' and '79') and q.code in ('50', '51', '52'))
    or (c.code in ('40', '41', '42', '43', '44') and q.code between '20' and '39'))),
held as (select p.person_id, h.kind, p.recipient and p.alive paid from '{f}/lake/detention/*/*.parquet' h join people p using (id_token)
  where from_on <= '{on}' and (until_on is null or until_on > '{on}')),
unable as (select person_id, 3 rank from people where not alive union all select person_id, 2 from held
  union all select p.person_id, 1 from '{f}/lake/disability/*/*.parquet' d join registry p using (id_token)
    where grade in ('1', '2') and (valid_until is null or valid_until >= '{on}')
  union all select p.person_id, 1 from '{f}/lake/serious_illness/*/*.parquet' i join registry p using (id_token) where diagnosed_on <= '{on}'),
cannot as (select person_id, max(rank) rank from unable group by 1),
without as (select child person_id, count(*) filter (rank = 3) gone, count(*) parents from parents left join cannot on parent = person_id
  group by 1 having count(*) >= 2 and count(rank) = count(*)),
permits as (select p.person_id from '{f}/lake/residence_permits/*/*.parquet' r join living p using (id_token)
  where registered_on <= '{on}' and (valid_until is null or valid_until >= '{on}') and left(residence, 6) <> left(p.area, 6)),
placed as (select *, works_away or person_id in (from permits) away from living),
alone as (select household_id from placed group by 1 having count(*) filter (birth_date <= date '{on}' - interval 18 year and not away) = 0),
left_alone as (select child person_id from parents left join placed on parent = person_id and away
  group by 1 having count(*) >= 2 and count(person_id) = count(*)),

-- payments
homes as (select p.person_id, h.usage, h.registered_on, count(*) filter (h.usage = 'dwelling') over (partition by p.person_id) dwellings
  from '{f}/lake/housing/*/*.parquet' h join recipients p using (id_token)),
wages as (select person_id, sum(wage) / count(distinct month) mean from '{f}/lake/wages/*/*.parquet' w join recipients using (id_token)
  where not known_wage and month >= '2022-08-01' and month <= '{on}' group by 1, standard having mean > 1.5 * standard),
fund as (select person_id, sum(base) / count(distinct month) mean from '{f}/lake/housing_fund/*/*.parquet' w join recipients using (id_token)
  where not known_wage and month >= '2022-08-01' and month <= '{on}' group by 1, standard having mean > 1.5 * standard),
taxed as (select person_id, sum(income) / 12 mean from '{f}/lake/tax/*/*.parquet' w join recipients using (id_token)
  where month >= '2021-11-01' and month <= '{on}' group by 1, standard, own_income having mean - coalesce(own_income, 0) > standard),
assets as (select min(person_id) person_id, sum(balance) total from '{f}/lake/bank_assets/*/*.parquet' b join living using (id_token)
  where helped > 0 and checked_on > '{year}' and checked_on <= '{on}' group by household_id, living having total > 24 * max(standard) * living)

select 'disability_no_nursing_subsidy' indicator, person_id from disability where grade in ('1', '2') and not on_nursing_subsidy and not on_tekun
union select 'disability_no_living_subsidy', person_id from disability where on_dibao and not on_living_subsidy and not on_tekun
union select 'medical_costs', person_id from medical join living using (person_id) where helped = 0 and own >= 5000 and own > 0.5 * 12 * income_month
union select 'serious_illness_low_income', person_id from medical join living using (person_id) where serious and low
union select 'serious_illness_listed', person_id from ill where low and diagnosed_on > '{year}' and diagnosed_on <= '{on}'
union select 'breadwinner_unemployed', person_id from unemployed where status = 'unemployed' and registered_on > '{year}' and registered_on <= '{on}'
  and helped = 0 and living >= 2 and own_income > 0 and own_income >= 0.5 * income_month
  and income_month - own_income + case when benefit_until is null or benefit_until >= '{on}' then coalesce(benefit, 0) else 0 end < 1.5 * standard * living
union select 'breadwinner_died', first_person from bereaved join households using (household_id) where helped = 0 and living > 0 and earned < 1.5 * line * living
union select 'disaster_hit', person_id from struck where happened_on > date '{on}' - 180 and happened_on <= '{on}'
  and (damage in ('serious', 'collapsed') or loss >= 20000)
union select 'refused_worse', person_id from since where helped = 0 and refused_on > date '{on}' - 730 and happened > refused_on and happened <= '{on}'
union select 'monitoring_unhelped', person_id from '{f}/lake/monitoring_list/*/*.parquet' m join living using (id_token)
  where low and (removed_on is null or removed_on > '{on}')
union select 'student_aid_unhelped', person_id from '{f}/lake/student_aid/*/*.parquet' a join living using (id_token)
  where low and level = 'special' and month > '{year}' and month <= '{on}'
union select 'old_alone_no_contact', person_id from living where living = 1 and birth_date <= date '{on}' - interval 70 year and not has_phone
  and not on_tekun and (last_contact is null or last_contact <= date '{on}' - 90)
union select 'orphaned_minor', person_id from without join living using (person_id)
  where gone = parents and birth_date > date '{on}' - interval 18 year and not on_orphan_allowance
union select 'unsupported_child', person_id from without join living using (person_id)
  where gone < parents and birth_date > date '{on}' - interval 18 year and not on_child_allowance and not on_orphan_allowance
union select 'child_left_alone', person_id from left_alone join living using (person_id) join alone using (household_id)
  where birth_date > date '{on}' - interval 16 year
union select 'school_dropout', person_id from '{f}/lake/education/*/*.parquet' e join living p using (id_token)
  where status = 'dropped_out' and stage in ('primary', 'junior') and p.birth_date > date '{on}' - interval 18 year
union select 'recipient_death', p.person_id from '{f}/lake/deaths/*/*.parquet' d join people p using (id_token)
  where recipient or on_living_subsidy or on_nursing_subsidy
union select 'recipient_vehicle', person_id from '{f}/lake/vehicles/*/*.parquet' v join recipients using (id_token)
  where kind in ('small', 'large') and registered_on > '{year}' and registered_on <= '{on}'
union select 'recipient_company', person_id from '{f}/lake/companies/*/*.parquet' c join recipients using (id_token)
  where capital >= 200000 or (registered_on > '{year}' and registered_on <= '{on}')
union select 'recipient_house', person_id from homes where registered_on > '{year}' and registered_on <= '{on}' and (usage <> 'dwelling' or dwellings >= 2)
union select 'recipient_wages', person_id from wages
union select 'recipient_housing_fund', person_id from fund
union select 'recipient_taxed_income', person_id from taxed
union select 'recipient_assets', person_id from assets
union select 'recipient_elsewhere', person_id from '{f}/lake/assistance_elsewhere/*/*.parquet' a join living using (id_token)
  where starts <= '{on}' and (ends is null or ends > '{on}') and left(division, 6) <> left(area, 6) and (programme in ('dibao', 'tekun') and recipient
    or programme = 'disability_living' and on_living_subsidy or programme = 'disability_nursing' and on_nursing_subsidy
    or programme in ('orphan', 'unsupported_child') and (on_orphan_allowance or on_child_allowance))
union select 'recipient_moved_away', person_id from '{f}/lake/moves/*/*.parquet' m join recipients using (id_token)
  where moved_on > '{year}' and moved_on <= '{on}' and left(from_division, 6) = left(area, 6) and left(to_division, 6) <> left(area, 6)
union select 'recipient_detained', person_id from held where kind in ('prison', 'custody', 'treatment') and paid
union select 'recipient_married', person_id from '{f}/lake/marriages/*/*.parquet' m join recipients using (id_token)
  where event = 'married' and registered_on > '{year}' and registered_on <= '{on}' and (living = 1 or on_tekun)
