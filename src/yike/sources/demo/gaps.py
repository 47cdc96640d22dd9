"""The planted gaps of the demo district: places built so that a right diagnosis must say a known thing about them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from yike.sources.demo.terrain import FloatArray


@dataclass(frozen=True)
class PlantedGap:
    """Hold one planted case: where it is, what a diagnosis must say, and why.

    ``unit_id`` is None where every unit of the subdistrict is meant, ``class_id`` None where every class is.
    ``verdict`` is pass, fail or not_determinable; ``borderline`` says that the time lies within one second of the limit.
    """

    key: str
    subdistrict_id: str
    unit_id: str | None
    class_id: str | None
    verdict: str
    why: str
    why_zh: str
    borderline: bool = False


PLANTED_GAPS = (
    PlantedGap(
        "across_river", "YJ04", "YJ04-01", "primary_school", "fail",
        "A primary school stands 350 m away as the crow flies, on the other bank; by the bridge it is over 18 minutes.",
        "小学直线距离约 350 米, 但在河对岸, 经桥步行要 18 分钟以上。",
    ),
    PlantedGap(
        "one_gate", "YJ05", "YJ05-01", "wet_market", "fail",
        "The market faces the compound's northern wall; the only gate is in the south, so one walks round the whole block.",
        "菜场就在小区北墙外, 但小区只有南门, 要绕行整个街坊。",
    ),
    PlantedGap(
        "no_canteen", "YJ02", None, "elder_canteen", "fail",
        "The whole subdistrict has no canteen for elders, and none lies within reach beyond its borders.",
        "整个街道没有社区长者食堂, 周边也没有走得到的。",
    ),
    PlantedGap(
        "far_entrance", "YJ03", "YJ03-01", "community_park", "fail",
        "The park's fence is across the road; its only entrance is on the far side.",
        "公园围栏就在马路对面, 唯一的入口却在另一侧。",
    ),
    PlantedGap(
        "far_village", "YJ12", "YJ12-01", "community_health_center", "fail",
        "No community health centre lies within 15 minutes by bicycle of this village in the corner of the district.",
        "这个村在区的东北角, 骑行 15 分钟内没有社区卫生服务中心。",
    ),
    PlantedGap(
        "behind_expressway", "YJ07", "YJ07-01", "kindergarten", "fail",
        "A kindergarten stands 110 m to the south behind the expressway at grade; the nearest way under it is 550 m off.",
        "幼儿园在南边 110 米, 隔着地面段快速路, 下穿通道在 550 米以外。",
    ),
    PlantedGap(
        "at_the_limit", "YJ05", "YJ05-02", "elderly_daycare", "pass",
        "The day-care centre lies 989.5 m along the riverside promenade: 899.5 s at 1.1 m/s.",
        "日间照料中心沿滨江步道 989.5 米, 按每秒 1.1 米步行 899.5 秒, 恰在限值上。",
        borderline=True,
    ),
    PlantedGap(
        "islet", "YJ10", "YJ10-01", None, "not_determinable",
        "The committee stands on an islet in a lake: no street comes near and a ferry is no street.",
        "村委会在湖心岛上, 附近没有道路, 渡船不算道路。",
    ),
    PlantedGap(
        "beyond_the_border", "YJ02", "YJ02-01", "district_medical_center", "pass",
        "The only district hospital in reach lies outside the district; it counts for residents inside.",
        "走得到的区级医疗中心在区界以外, 同样计入。",
    ),
    PlantedGap(
        "edge_of_data", "YJ11", "YJ11-01", "metro_station", "fail",
        "No metro station is in reach in the known data, which end near by in the east: the verdict must say so.",
        "已知数据内没有骑行可达的地铁站, 但东侧不远处数据即止, 结论须注明。",
    ),
)  # fmt: skip

# Where the planted committees stand on the plan; None leaves the committee in the middle of its people.
ANCHORS: dict[str, tuple[tuple[float, float], bool]] = {
    "YJ02-01": ((2.0, 6000.0), True),
    "YJ03-01": ((1098.0, 3875.0), True),
    "YJ04-01": ((4450.0, 5660.0), True),
    "YJ05-01": ((6375.0, 4114.0), True),
    "YJ05-02": ((4428.0, 3315.0), True),
    "YJ07-01": ((7950.0, 7350.0), True),
    "YJ11-01": ((11_800.0, 5450.0), False),
    "YJ12-01": ((11_625.0, 10_600.0), False),
}
ONE_GATE = (6375.0, 3600.0)
SCHOOL_ACROSS_RIVER = (4096.0, 4140.0, 5630.0, 5690.0)
SCHOOL_GATE = (4141.0, 5660.0)
MARKET_AT_WALL = (6375.0, 4156.0)
KINDERGARTEN_BEHIND_EXPRESSWAY = (7950.0, 7244.0)
HOSPITAL_BEYOND_BORDER = (-300.0, 6206.0)
PROMENADE_TARGET_M = 989.5


@dataclass(frozen=True)
class Ban:
    """Keep facilities of some classes out of a circle [m] on the ground; the planted facility itself is exempt."""

    class_ids: tuple[str, ...]
    x: float
    y: float
    radius_m: float

    def hits(self, xy: FloatArray) -> np.ndarray:
        """Return (n,) which of (n, 2) places lie in the circle."""
        return np.asarray(((xy - np.array([self.x, self.y])) ** 2).sum(axis=1) < self.radius_m**2)


def bans(centres: dict[str, FloatArray], *, one_gate: FloatArray) -> tuple[Ban, ...]:
    """Return what must not be built so that the planted cases hold; ``centres`` gives each unit's committee on the ground.

    A facility farther than a reach in a straight line is farther along any street, so circles of one reach suffice:
    1,000 m for walkers, 3,100 m for cyclists.
    """
    def around(unit_id: str, radius_m: float, *class_ids: str) -> Ban:
        return Ban(class_ids, float(centres[unit_id][0]), float(centres[unit_id][1]), radius_m)

    canteens = [around(unit_id, 1000.0, "elder_canteen") for unit_id in centres if unit_id.startswith("YJ02")]
    return (
        around("YJ04-01", 1200.0, "primary_school", "nine_year_school"),
        Ban(("wet_market",), float(one_gate[0]), float(one_gate[1]), 1150.0),
        around("YJ03-01", 1000.0, "community_park"),
        around("YJ12-01", 3100.0, "community_health_center"),
        around("YJ07-01", 1200.0, "kindergarten"),
        around("YJ05-02", 1000.0, "elderly_daycare"),
        around("YJ02-01", 1000.0, "district_medical_center"),
        around("YJ11-01", 3100.0, "metro_station"),
        *canteens,
    )
