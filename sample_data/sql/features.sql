-- What is known before departure, and nothing else: the schedule, the weather of the scheduled hour
-- at the airport of departure, the plane. dep_time, dep_delay, arr_time, arr_delay and air_time
-- would give the answer away.
SELECT
    this.origin,
    this.carrier,
    this.dest,
    this.distance,
    this.sched_dep_time // 100 + this.sched_dep_time % 100 / 60.0 AS departs_h,
    this.sched_arr_time // 100 + this.sched_arr_time % 100 / 60.0 AS arrives_h,
    isodow(make_date(this.year, this.month, this.day)) AS weekday,
    w.temp,
    w.dewp,
    w.humid,
    w.wind_dir,
    w.wind_speed,
    w.wind_gust,
    w.precip,
    w.pressure,
    w.visib,
    this.year - p.year AS plane_age,
    p.seats,
    p.manufacturer
FROM this
LEFT JOIN weather AS w
    ON w.origin = this.origin
    AND w.time_hour = this.time_hour
LEFT JOIN planes AS p
    ON p.tailnum = this.tailnum
