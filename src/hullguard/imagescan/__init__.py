"""What is wrong with an image; the door is ``scan.Scanner``."""
