"""A short run of random_kills.py; a long one with LETTERBOX_FULL."""
import random
import unittest

import random_kills
import rig


class RandomKills(unittest.TestCase):
    def test_nothing_is_lost_half_there_or_doubled(self):
        random_kills.run(100 if rig.FULL else 10, random.SystemRandom().randrange(2**32))


if __name__ == "__main__":
    unittest.main()
