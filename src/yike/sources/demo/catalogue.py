"""What the demo district builds of each class: how many, how well placed, how large, and when it is open."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """Hold how a class is built.

    ``count`` places by the usual spreading (others come from parks and committees); ``skill`` is among how many
    places the best is chosen; ``floor_m2`` the range of floor areas; ``seats`` and ``beds`` their ranges; ``hours`` a pattern.
    """

    class_id: str
    label: str
    label_en: str
    count: int
    skill: int
    floor_m2: tuple[int, int]
    hours: str
    seats: tuple[int, int] | None = None
    beds: tuple[int, int] | None = None


# fmt: off
RECIPES: tuple[Recipe, ...] = (
    Recipe("senior_middle_school", "高级中学", "Senior Middle School",
           30, 150, (9000, 26_000), "school", seats=(600, 1500)),
    Recipe("junior_middle_school", "初级中学", "Junior Middle School",
           48, 150, (8000, 18_000), "school", seats=(500, 1200)),
    Recipe("primary_school", "小学", "Primary School", 62, 120, (6000, 14_000), "school", seats=(500, 1300)),
    Recipe("kindergarten", "幼儿园", "Kindergarten", 105, 60, (2200, 5400), "nursery", seats=(180, 450)),
    Recipe("nine_year_school", "九年一贯制学校", "Nine-Year School",
           34, 200, (12_000, 24_000), "school", seats=(900, 1900)),
    Recipe("district_medical_center", "区级医疗中心", "District Medical Centre",
           24, 250, (30_000, 110_000), "always", beds=(400, 1200)),
    Recipe("community_health_center", "社区卫生服务中心", "Community Health Centre",
           36, 150, (3000, 8000), "clinic", beds=(20, 100)),
    Recipe("community_health_station", "社区卫生服务站", "Community Health Station", 62, 60, (120, 400), "clinic"),
    Recipe("public_cultural_facility", "公共文化馆", "Public Culture House", 32, 250, (3000, 20_000), "club"),
    Recipe("community_cultural_center", "社区文化活动中心", "Community Culture Centre", 36, 150, (2500, 6000), "club"),
    Recipe("cultural_activity_room", "文化活动室", "Culture Room", 60, 30, (80, 300), "day"),
    Recipe("nursing_institution", "养老院", "Nursing Home", 36, 150, (3000, 12_000), "always", beds=(80, 300)),
    Recipe("integrated_elder_service_center", "综合为老服务中心", "Integrated Elder Service Centre",
           40, 150, (800, 3000), "day"),
    Recipe("elder_care_home", "长者照护之家", "Elder Care Home", 50, 150, (400, 1500), "always", beds=(10, 49)),
    Recipe("elder_canteen", "社区长者食堂", "Elder Canteen", 72, 100, (150, 600), "canteen", seats=(40, 160)),
    Recipe("elderly_daycare", "老年人日间照料中心", "Elder Day-Care Centre",
           66, 100, (300, 1000), "day", seats=(20, 60)),
    Recipe("elder_neighborhood_point", "养老睦邻点", "Elder Neighbour Point", 50, 30, (60, 200), "day"),
    Recipe("elder_activity_room", "老年活动室", "Elder Activity Room", 60, 30, (80, 300), "day"),
    Recipe("citizen_sports_center", "市民体育中心", "Citizen Sports Centre", 26, 250, (8000, 40_000), "club"),
    Recipe("community_fitness_center", "社区市民健身中心", "Community Fitness Centre", 46, 150, (800, 3000), "club"),
    Recipe("elder_sports_home", "长者运动健康之家", "Elder Sports Home", 50, 150, (150, 500), "day"),
    Recipe("multi_sports_court", "多功能运动场", "Multi-Sports Court", 70, 100, (600, 2500), "park"),
    Recipe("fitness_trail", "市民健身步道", "Fitness Trail", 90, 80, (0, 0), "always"),
    Recipe("fitness_point", "市民益智健身苑点", "Fitness Point", 150, 30, (0, 0), "always"),
    Recipe("comprehensive_park", "公园", "Park", 0, 0, (0, 0), "park"),
    Recipe("community_park", "社区公园", "Community Park", 0, 0, (0, 0), "park"),
    Recipe("pocket_park", "口袋公园", "Pocket Park", 130, 60, (0, 0), "always"),
    Recipe("bus_hub", "公交枢纽", "Bus Hub", 34, 250, (1500, 6000), "transit"),
    Recipe("bus_route", "公交站", "Bus Stop", 0, 0, (0, 0), "transit"),
    Recipe("parenting_guidance_station", "家庭科学育儿指导站", "Parenting Guidance Station",
           44, 150, (80, 300), "office"),
    Recipe("inclusive_nursery", "普惠性托育点", "Inclusive Nursery", 78, 80, (200, 900), "nursery", seats=(20, 90)),
    Recipe("neighborhood_commerce", "邻里商业中心", "Neighbourhood Shops", 90, 80, (1500, 9000), "shop"),
    Recipe("wet_market", "标准化菜市场", "Wet Market", 72, 90, (1000, 4000), "market"),
    Recipe("fresh_food_shop", "生鲜菜店", "Fresh Food Shop", 170, 30, (60, 300), "shop"),
    Recipe("convenience_store", "便利店", "Convenience Store", 300, 20, (40, 150), "always"),
    Recipe("pharmacy", "药店", "Pharmacy", 170, 30, (60, 250), "shop"),
    Recipe("metro_station", "地铁站", "Metro Station", 0, 0, (0, 0), "transit"),
)
# fmt: on
# What a committee keeps in its own house: class and share of committees (villages, towns).
COMMITTEE_ROOMS = (
    ("cultural_activity_room", 0.95, 0.55),
    ("elder_activity_room", 0.9, 0.5),
    ("elder_neighborhood_point", 0.75, 0.35),
    ("fitness_point", 0.9, 0.5),
    ("community_health_station", 0.8, 0.15),
    ("fresh_food_shop", 0.3, 0.0),
    ("convenience_store", 0.6, 0.2),
)
# Stations of two metro lines on the plan.
METRO_STATIONS = (
    (-400.0, 5700.0), (1100.0, 5200.0), (2250.0, 5200.0), (3300.0, 5200.0), (4950.0, 5200.0), (6100.0, 5200.0),
    (7250.0, 5200.0), (5500.0, 9150.0), (5500.0, 7900.0), (5500.0, 6700.0), (5500.0, 4150.0), (5500.0, 3040.0),
    (5500.0, 1500.0), (1700.0, 6700.0), (1700.0, 3600.0), (2250.0, 7900.0), (3300.0, 6700.0), (7250.0, 6700.0),
    (2250.0, 2250.0), (3300.0, 4150.0), (6650.0, 3600.0), (560.0, 4150.0), (7250.0, 8500.0),
)  # fmt: skip
CANDIDATE_KINDS = (
    # label, English label, owner, pathway, floor area range [m²], cost [yuan/m²]
    ("闲置厂房", "Idle workshop", "district_state_company", "reuse_stock", (600, 3000), 2600),
    ("闲置校舍", "Idle school building", "education_bureau", "reuse_stock", (500, 2000), 2200),
    ("街道用房", "Subdistrict premises", "subdistrict_office", "reuse_stock", (200, 900), 1800),
    ("小区会所", "Compound club house", "developer", "mixed_use", (200, 800), 2000),
    ("商场底层", "Ground floor of a mall", "private_company", "mixed_use", (300, 1500), 3200),
    ("办公楼裙房", "Podium of an office block", "state_company", "mixed_use", (300, 1800), 3000),
    ("规划空地", "Reserved plot", "planning_bureau", "new_build", (1000, 5000), 6500),
    ("村集体用地", "Village collective plot", "village_collective", "new_build", (400, 2500), 4200),
)
