"""Version of the law: raised whenever a formula or a row of the package changes what someone receives."""

VERSION = "1.0.0"
