import pytest

from gitassets.domain.spoken_english import spell_out


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("It is 13.5 m high.", "It is 13.5 meters high."),
        ("Open 24 h a day; 24h, 1 h.", "Open 24 hours a day; 24 hours, 1 hour."),
        ("1 m, 0.5 m, 1,000 m, 10–15 m.", "1 meter, 0.5 meters, 1,000 meters, 10–15 meters."),
        ("5 m/s, 9.81 m/s², 1 m/s", "5 meters per second, 9.81 meters per second squared, 1 meter per second"),
        ("10 m², 1 m2, 3 m³, 1 ft²", "10 square meters, 1 square meter, 3 cubic meters, 1 square foot"),
        ("220 V and 100 W, 2 L of milk, 5 g", "220 volts and 100 watts, 2 liters of milk, 5 grams"),
        ("5 in. of rain. It is 5 in. The end, 5 in.", "5 inches of rain. It is 5 inches. The end, 5 inches."),
        ("1/81 of it, 3/20, 1/2", "one eighty-first of it, three twentieths, one half"),
        ("3/4, 7/16, 5/12", "three quarters, seven sixteenths, five twelfths"),
        ("2 1/2 cups, 1/250, 1/1000, 1/100", "2 and one half cups, one over 250, one thousandth, one hundredth"),
        ("on 1/20, 9/11, 24/7, 1/2/2024, 5/3", "on 1/20, 9/11, 24 7, 1/2/2024, 5/3"),
        ("the U.S. Navy and U.K. law", "the US Navy and U.K. law"),
        ("in the U.S. The sea", "in the U.S. The sea"),
        ("boats, e.g. rafts (i.e., planks)", "boats, for example rafts (that is, planks)"),
        ("No. 5, Fig. 3, p. 7, approx. 5", "Number 5, Figure 3, page 7, approximately 5"),
        ("ca. 1850, Feb. 3", "circa 1850, February 3"),
        ("€3bn and $1.5 tn", "€3 billion and $1.5 trillion"),
        ("2\u00a0h and 5\u202fm", "2 hours and 5 meters"),
    ],
)  # fmt: skip
def test_text_is_spelled_out_as_people_say_it(written: str, spoken: str) -> None:
    assert spell_out(written) == spoken


@pytest.mark.parametrize(
    "text",
    [
        "In the 1990s, St. Helena and Dr. Smith, 20 °C, 10%, $5m, 3-year-old, v1.2.3 s, 12:30, and/or",
        "No. That is it. I am in. 5 ms, 10 kW, 2 km, 60 Hz, 100 MB, 5m, 1s and 0s",
        "a 4/4 time, 10/5, http://x/1/2, 3.1/2 m/h, 5 m's",
        "",
    ],
)
def test_other_text_stays(text: str) -> None:
    assert spell_out(text) == text
